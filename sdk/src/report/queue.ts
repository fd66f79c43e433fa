const PAGE_BYTES = 128 * 1024

/** What one request takes. */
const SPARE_PAGES_MAX = 8

/** The smallest event has its id, number, kind and two clocks. */
const EVENT_BYTES_MIN = 150

/** What is kept of an event beside its text: where it ends and its number. */
const ENTRY_BYTES = 16

/** A block of memory with events one after the other, each followed by a comma. */
interface Page {
  readonly bytes: Buffer
  /** Where each event ends, behind its comma. */
  readonly ends: number[]
  readonly seqs: number[]
  /** Events that are taken out already. */
  head: number
}

/** The oldest events of a queue. */
export interface Peeked {
  readonly count: number
  /** Their JSON with commas between, one piece after the other. */
  readonly pieces: readonly Buffer[]
}

/** Events as the bytes that are sent, outside the heap and bounded. The oldest leave first; at the bound new ones are
 *  refused, so that what is being sent stays in place. */
export class EventQueue {
  readonly #bytesMax: number
  #pages: Page[] = []
  /** Written again: memory outside the heap that comes and goes makes V8 collect all of the heap. */
  readonly #spare: Page[] = []
  #length = 0
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get length(): number {
    return this.#length
  }

  get bytes(): number {
    return this.#bytes
  }

  /** No event is so small that it would still fit: then it need not be made. */
  get isFull(): boolean {
    return this.#bytes + EVENT_BYTES_MIN > this.#bytesMax
  }

  /** @param line JSON of one event
   *  @returns false where the queue is full */
  push(line: string, seq: number): boolean {
    // no character makes less than a byte: no page is made for what surely does not fit
    if (this.#bytes + line.length + 1 + ENTRY_BYTES > this.#bytesMax) return false
    // of one character UTF-8 makes at most three bytes
    const room = line.length * 3 + 1
    const last = this.#pages.at(-1)
    const fits = last !== undefined && last.bytes.length - endOf(last) >= room
    const page = fits ? last : (room <= PAGE_BYTES && this.#spare.pop()) || newPage(room)
    const start = endOf(page)
    const end = start + page.bytes.write(`${line},`, start)
    const bytes = end - start + ENTRY_BYTES
    if (this.#bytes + bytes > this.#bytesMax) return false
    if (!fits) this.#pages.push(page)
    page.ends.push(end)
    page.seqs.push(seq)
    this.#bytes += bytes
    this.#length += 1
    return true
  }

  /** The oldest events, as many as fit; at least one where there is one. They stay until `remove`, and then the
   *  bytes are written again. */
  peek(eventsMax: number, bytesMax: number): Peeked {
    const pieces: Buffer[] = []
    let count = 0
    let bytes = 0
    for (const { bytes: page, ends, head } of this.#pages) {
      const start = startOf(ends, head)
      let last = start
      let index = head
      for (; index < ends.length && count < eventsMax; index += 1) {
        const end = ends[index] ?? 0
        if (count > 0 && bytes + end - start > bytesMax) break
        last = end
        count += 1
      }
      if (last > start) pieces.push(page.subarray(start, last))
      bytes += last - start
      // what comes next must not overtake what did not fit
      if (index < ends.length) break
    }
    // no comma after the last one
    const final = pieces.pop()
    return { count, pieces: final ? [...pieces, final.subarray(0, -1)] : pieces }
  }

  /** Takes the oldest `count` events out. @returns the number of the last of them */
  remove(count: number): number | undefined {
    let seq: number | undefined
    for (let left = count; left > 0; left -= 1) {
      const [page] = this.#pages
      if (!page) break
      const { ends, seqs, head } = page
      seq = seqs[head]
      this.#bytes -= (ends[head] ?? 0) - startOf(ends, head) + ENTRY_BYTES
      this.#length -= 1
      page.head += 1
      if (page.head === ends.length) this.#leave(page)
    }
    return seq
  }

  #leave(page: Page): void {
    this.#pages.shift()
    page.ends.length = page.seqs.length = page.head = 0
    if (page.bytes.length === PAGE_BYTES && this.#spare.length < SPARE_PAGES_MAX) this.#spare.push(page)
  }

  /** All events with their numbers, oldest first. */
  *entries(): Iterable<readonly [line: string, seq: number]> {
    for (const { bytes, ends, seqs, head } of this.#pages)
      for (let index = head; index < ends.length; index += 1)
        yield [bytes.toString('utf8', startOf(ends, index), (ends[index] ?? 1) - 1), seqs[index] ?? 0]
  }
}

function newPage(room: number): Page {
  return { bytes: Buffer.allocUnsafeSlow(Math.max(PAGE_BYTES, room)), ends: [], seqs: [], head: 0 }
}

function endOf({ ends }: Page): number {
  return startOf(ends, ends.length)
}

function startOf(ends: readonly number[], index: number): number {
  return index === 0 ? 0 : (ends[index - 1] ?? 0)
}
