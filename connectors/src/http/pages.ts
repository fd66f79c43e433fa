import { ListingError } from '@syncproof/core/comparison'
import type { Paging, Place } from './paging.ts'
import type { Reply } from './requester.ts'

export interface Page {
  readonly place: Place
  readonly url: URL
  readonly reply: Reply
}

/** Asks for one page. @throws ListingError */
export type AskPage = (place: Place, signal: AbortSignal) => Promise<Page>

/** Pages that are wanted in order, some of them asked for before it is known that they are. */
export class PagesAhead {
  readonly #ask: AskPage
  readonly #paging: Paging
  readonly #most: number
  readonly #signal: AbortSignal
  #recordsPerPage = 0
  /** In order; the first is the next that will be wanted, if the pages are as long as they seemed. */
  #coming: { readonly place: Place; readonly page: Promise<Page>; readonly stop: AbortController }[] = []

  /** @param most pages ahead of the one that is read; how many are in flight is the requester's to bound */
  constructor(ask: AskPage, paging: Paging, most: number, signal: AbortSignal) {
    this.#ask = ask
    this.#paging = paging
    this.#most = most
    this.#signal = signal
  }

  get(place: Place): Promise<Page> {
    const at = this.#coming.findIndex((coming) => isSame(coming.place, place))
    // a page was shorter than was thought: those behind it begin elsewhere
    for (const { stop } of this.#coming.splice(0, at < 0 ? this.#coming.length : at)) stop.abort()
    const [coming] = this.#coming.splice(0, at < 0 ? 0 : 1)
    const page = coming?.page ?? this.#ask(place, this.#signal)
    this.#fill(place)
    return page
  }

  /** From now on pages behind the one that is asked for are asked for, too, as if all had so many records. */
  expect(recordsPerPage: number): void {
    this.#recordsPerPage = recordsPerPage
  }

  #fill(place: Place): void {
    let last = this.#coming.at(-1)?.place ?? place
    while (this.#coming.length < this.#most) {
      const next = this.#paging.ahead(last, this.#recordsPerPage)
      if (next === undefined) return
      const stop = new AbortController()
      const page = this.#ask(next, AbortSignal.any([this.#signal, stop.signal]))
      page.catch(() => {})
      this.#coming.push({ place: next, page, stop })
      last = next
    }
  }

  close(): void {
    for (const { stop } of this.#coming.splice(0)) stop.abort()
  }
}

function isSame(one: Place, other: Place): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

/** Where a listing goes on, for whoever takes it over. */
export interface Position {
  readonly place: Place
  /** Records that came before. */
  readonly records: number
}

export function writePosition(position: Position): string {
  return JSON.stringify(position)
}

/** @throws ListingError where it is none of ours */
export function readPosition(text: string): Position {
  try {
    const { place, records } = JSON.parse(text)
    if (typeof records === 'number' && ('params' in place || 'address' in place)) return { place, records }
  } catch {
    // told below
  }
  throw new ListingError('cursor_expired', 'The position of the listing is none of this release.')
}
