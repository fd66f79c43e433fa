import { limits } from '@syncproof/core/contract'

/** Beside its characters: a string's header, its place in the array, and the array's slack. */
const LINE_BYTES_MIN = 40

/** What a line takes on the heap: V8 keeps a string of Latin-1 characters in a byte each, any other in two. */
function heapBytes(line: string): number {
  const isAscii = Buffer.byteLength(line) === line.length
  return LINE_BYTES_MIN + (isAscii ? line.length : 2 * line.length)
}

/** The smallest event has its id, number, kind and two clocks. */
const EVENT_BYTES_MIN = LINE_BYTES_MIN + 150

/** Events as JSON text, bounded in bytes of heap. The oldest leave first; at the bound new ones are refused, so that
 *  what is being sent stays in place. */
export class EventQueue {
  readonly #bytesMax: number
  #lines: string[] = []
  /** Index of the oldest: taking from the front of a long array copies it, so it is cut only now and then. */
  #head = 0
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get length(): number {
    return this.#lines.length - this.#head
  }

  get bytes(): number {
    return this.#bytes
  }

  /** No event is so small that it would still fit: then it need not be made. */
  get isFull(): boolean {
    return this.#bytes + EVENT_BYTES_MIN > this.#bytesMax
  }

  /** @returns false where the queue is full */
  push(line: string): boolean {
    const bytes = heapBytes(line)
    if (this.#bytes + bytes > this.#bytesMax) return false
    this.#lines.push(line)
    this.#bytes += bytes
    return true
  }

  /** The oldest events, as many as fit; at least one where there is one. They stay until `remove`. */
  peek(eventsMax: number, bytesMax: number): readonly string[] {
    const batch: string[] = []
    let bytes = 0
    for (let index = this.#head; index < this.#lines.length && batch.length < eventsMax; index += 1) {
      const line = this.#lines[index] ?? ''
      bytes += Buffer.byteLength(line) + 1
      if (bytes > bytesMax && batch.length > 0) break
      batch.push(line)
    }
    return batch
  }

  /** Takes the oldest `count` events out. */
  remove(count: number): void {
    for (let index = this.#head; index < this.#head + count; index += 1) {
      this.#bytes -= heapBytes(this.#lines[index] ?? '')
      this.#lines[index] = ''
    }
    this.#head += count
    if (this.#head < limits.eventsPerBatchMax && this.#head < this.#lines.length) return
    this.#lines = this.#lines.slice(this.#head)
    this.#head = 0
  }
}
