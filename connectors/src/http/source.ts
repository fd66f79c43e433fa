import {
  ListingError,
  type ListOptions,
  type RecordBatch,
  type RecordSource,
  type SourceRecord,
} from '@syncproof/core/comparison'
import { BATCH_RECORDS_MAX } from '../batches.ts'
import { splitKey } from '../compound-key.ts'
import { type JsonPath, valueAt } from '../field-paths.ts'
import { heldToCount } from '../held-to-count.ts'
import { RecordReader, type RecordShape } from '../records.ts'
import { type Page, PagesAhead, type Position, readPosition, writePosition } from './pages.ts'
import { type NextPage, Paging, type Place } from './paging.ts'
import { type Question, type Reply, Requester, type RequesterOptions } from './requester.ts'
import { Seen } from './seen.ts'
import { SeenInOrder } from './seen-in-order.ts'

const RECORDS_MAX = 10_000_000
/** Pages may be empty where the API filters after it pages; so many in a row are a listing that stands still. */
const EMPTY_PAGES_MAX = 20

export interface HttpSourceOptions {
  /** The first page's address without its parameters. */
  readonly label: string
  readonly first: URL
  /** Sent by POST with every page; its parameters then go into it. */
  readonly body: Readonly<Record<string, unknown>> | undefined
  readonly next: NextPage | undefined
  readonly recordsPath: JsonPath
  readonly shape: RecordShape
  readonly get: GetOptions | undefined
  readonly count: CountOptions | undefined
  readonly ordered: boolean
  readonly inFlight: number
  readonly pagesMax: number
  readonly requester: RequesterOptions
}

export interface GetOptions {
  readonly template: string
  readonly keyNames: readonly string[]
  readonly recordPath: JsonPath
  readonly gone: readonly number[]
}

export interface CountOptions {
  readonly url: URL | undefined
  readonly path: JsonPath | undefined
  readonly header: string | undefined
}

type SeenRecords = Pick<SeenInOrder, 'add' | 'count'>

export class HttpSource implements RecordSource {
  readonly name: string
  readonly ordered: boolean
  readonly get?: (key: string, signal: AbortSignal) => Promise<SourceRecord | undefined>
  readonly count?: (signal: AbortSignal) => Promise<number>
  readonly #options: HttpSourceOptions
  readonly #requester: Requester
  readonly #records: RecordReader
  readonly #paging: Paging
  readonly #closing = new AbortController()

  constructor(options: HttpSourceOptions) {
    this.name = `http ${options.label}`
    this.ordered = options.ordered
    this.#options = options
    this.#requester = new Requester(options.requester)
    this.#records = new RecordReader(options.shape, options.label)
    this.#paging = new Paging(options.next, options.first, options.shape.keyPaths[0] ?? [])
    const { get, count } = options
    if (get) this.get = (key, signal) => this.#get(get, key, signal)
    if (count?.url) this.count = (signal) => this.#count(count, signal)
  }

  async *list(signal: AbortSignal, { after }: ListOptions = {}): AsyncGenerator<RecordBatch> {
    const resumed = after === undefined ? undefined : readPosition(after)
    const { label, shape, count } = this.#options
    // of a part of the records it says nothing
    const probe = count?.url && shape.where === undefined && shape.keyPrefix === '' ? count : undefined
    yield* heldToCount(this.#list(signal, resumed), {
      ...{ name: label, mend: 'Set or mend `next`.', before: resumed?.records ?? 0 },
      count: probe && (() => this.#count(probe, signal)),
    })
  }

  async *#list(signal: AbortSignal, resumed: Position | undefined): AsyncGenerator<RecordBatch> {
    const either = AbortSignal.any([signal, this.#closing.signal])
    const records = this.#seen()
    const places = new Seen()
    const pages = new PagesAhead(
      (...page) => this.#ask(...page),
      this.#paging,
      this.#options.inFlight,
      either,
    )
    const before = resumed?.records ?? 0
    let place: Place | undefined = resumed?.place ?? this.#paging.first()
    let empty = 0
    try {
      for (let first = true; place !== undefined; first = false) {
        this.#assertGoingOn(place, places, records)
        const page: Page = await this.#page(pages, place, first && resumed !== undefined)
        const items = this.#records.list(page.reply, this.#options.recordsPath)
        if (first) pages.expect(items.length)
        const read = items.flatMap((item) => this.#records.read(item, page.reply.observedAt) ?? [])
        const fresh = this.#newOnes(read, records)
        // what a filter leaves out moves a listing on, too
        const moved = fresh.length + (items.length - read.length)
        const seen = { body: page.reply.body, headers: page.reply.headers, records: items, fresh: moved }
        const next: Place | undefined = this.#paging.endsWith(seen)
          ? undefined
          : this.#next(place, page.url, seen)
        empty = items.length === 0 ? empty + 1 : 0
        if (next !== undefined && moved === 0 && (items.length > 0 || empty > EMPTY_PAGES_MAX)) {
          throw this.#error('page_did_not_advance', 'sends pages without any new record. Check `next`.')
        }
        const position = next && writePosition({ place: next, records: before + records.count })
        yield* batchesOf(fresh, position, either)
        if (next === undefined) this.#checkTotal(page.reply, before + records.count)
        place = next
      }
    } finally {
      pages.close()
    }
  }

  requests(): number {
    return this.#requester.requests
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('The source was closed.'))
  }

  #assertGoingOn(place: Place, places: Seen, records: SeenRecords): void {
    if (places.add(JSON.stringify(place), '') !== 'new') {
      throw this.#error(
        'cursor_repeated',
        'sends a page that it has sent before as the next one. Check `next`.',
      )
    }
    if (places.count > this.#options.pagesMax || records.count > RECORDS_MAX) {
      throw this.#error('truncated', 'does not end. Ask for larger pages, or check `next`.')
    }
  }

  /** A place that another process was at may be gone: cursors expire. */
  async #page(pages: PagesAhead, place: Place, isResumed: boolean): Promise<Page> {
    try {
      return await pages.get(place)
    } catch (error) {
      if (!isResumed || !(error instanceof ListingError) || error.code !== 'page_failed') throw error
      throw new ListingError('cursor_expired', error.detail, { cause: error })
    }
  }

  async #ask(place: Place, signal: AbortSignal): Promise<Page> {
    const { first, label, body } = this.#options
    const url = new URL('address' in place ? place.address : first, first)
    const params = 'params' in place ? Object.entries(place.params) : []
    if (body === undefined) for (const [name, value] of params) url.searchParams.set(name, String(value))
    const question: Question = { url, label, expected: [] }
    const sent =
      body === undefined ? question : { ...question, body: { ...body, ...Object.fromEntries(params) } }
    return { place, url, reply: await this.#requester.ask(sent, signal) }
  }

  async #get(
    { template, keyNames, recordPath, gone }: GetOptions,
    key: string,
    signal: AbortSignal,
  ): Promise<SourceRecord | undefined> {
    const { first, shape } = this.#options
    const whole = shape.keyPrefix + key
    const parts = splitKey(whole, keyNames.length)
    // as a path these would name the collection or its parent, whatever their escaping
    if (parts === undefined || parts.some((part) => part === '' || part === '.' || part === '..')) {
      throw this.#error('unexpected_shape', 'cannot be asked for a record whose key is empty, `.` or `..`.')
    }
    const values = new Map([['key', whole], ...keyNames.map((name, at) => [name, parts[at] ?? ''] as const)])
    const address = template.replaceAll(/\{([^{}]+)\}/g, (text, name) => {
      const value = values.get(name)
      return value === undefined ? text : encodeURIComponent(value)
    })
    const either = AbortSignal.any([signal, this.#closing.signal])
    const question = { url: new URL(address, first), label: template, expected: gone }
    const reply = await this.#requester.ask(question, either)
    if (reply.status !== 200) return undefined
    const found = valueAt(reply.body, recordPath)
    // a filtered list that is empty, or ends before the place that is asked for
    if (found === undefined && this.#isEmptyList(reply, recordPath)) return undefined
    const record = this.#records.read(found, reply.observedAt)
    if (record === undefined) return undefined
    if (record.key === key) return record
    throw this.#error(
      'unexpected_shape',
      'answers a read by key with a record of another key. Check `get` and `key`.',
    )
  }

  /** The path names a place in a list that is there, and has nothing at it. */
  #isEmptyList({ body }: Reply, path: JsonPath): boolean {
    return /^\d+$/.test(path.at(-1) ?? '') && Array.isArray(valueAt(body, path.slice(0, -1)))
  }

  async #count({ url, path, header }: CountOptions, signal: AbortSignal): Promise<number> {
    const { first, label } = this.#options
    const either = AbortSignal.any([signal, this.#closing.signal])
    const reply = await this.#requester.ask({ url: url ?? first, label, expected: [] }, either)
    const count = readCount(reply, { path, header })
    if (count !== undefined) return count
    throw this.#error('unexpected_shape', 'answers the count with no whole number. Check `count`.')
  }

  /** Pages overlap where records are added while they are read: the same record twice is one. */
  #newOnes(page: readonly SourceRecord[], seen: SeenRecords): SourceRecord[] {
    return page.filter((record) => {
      const was = seen.add(record)
      if (was === 'disordered') {
        throw this.#error(
          'keys_not_ordered',
          'does not list its keys in ascending byte order. Set `ordered: false`.',
        )
      }
      if (was !== 'different') return was === 'new'
      throw this.#error(
        'duplicate_key',
        'lists one key twice with different content: the key is not unique, or the record changed meanwhile. Check `key`, or run again.',
      )
    })
  }

  #seen(): SeenRecords {
    if (this.ordered) return new SeenInOrder((record) => this.#content(record))
    const seen = new Seen()
    return {
      add: (record) => seen.add(record.key, this.#content(record)),
      get count() {
        return seen.count
      },
    }
  }

  #content(record: SourceRecord): string {
    try {
      return JSON.stringify(record.fields)
    } catch (cause) {
      if (!(cause instanceof RangeError)) throw cause
      throw this.#error('unexpected_shape', 'sends a record that is nested too deep to be read.')
    }
  }

  #next(place: Place, url: URL, seen: Parameters<Paging['after']>[2]): Place | undefined {
    const next = this.#paging.after(place, url, seen)
    if (next === undefined || !('wrong' in next)) return next
    const [, origin] = /^foreign (.*)$/.exec(next.wrong) ?? []
    if (origin === undefined) throw this.#error('unexpected_shape', `${next.wrong}. Check \`next\`.`)
    throw this.#error(
      'foreign_origin',
      `names a next page on ${origin}, which is not followed. Behind a proxy, let the API see the outer host, or page by cursor('…', { param: '…' }).`,
    )
  }

  /** json-server and many others say how many records there are. Fewer were listed: pages are missing. It does
   *  not show a record that slipped between two pages; a read by key does. */
  #checkTotal(reply: Reply, count: number): void {
    const { count: options, shape } = this.#options
    if (shape.where !== undefined || shape.keyPrefix !== '' || options?.url) return
    const total = readCount(reply, options ?? { path: undefined, header: 'x-total-count' })
    if (total === undefined || count >= total) return
    throw this.#error('truncated', `counts ${total} records and listed ${count}. Set or mend \`next\`.`)
  }

  #error(code: ConstructorParameters<typeof ListingError>[0], what: string): ListingError {
    return new ListingError(code, `${this.#options.label} ${what}`)
  }
}

function readCount(
  { body, headers }: Reply,
  { path, header }: Omit<CountOptions, 'url'>,
): number | undefined {
  const value = header === undefined ? path && valueAt(body, path) : headers.get(header)
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0 ? value : undefined
  return typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : undefined
}

/** The position goes with the last batch of its page: before that the page would have to be read again. */
function* batchesOf(
  records: readonly SourceRecord[],
  position: string | undefined,
  signal: AbortSignal,
): Generator<RecordBatch> {
  for (let at = 0; at === 0 || at < records.length; at += BATCH_RECORDS_MAX) {
    signal.throwIfAborted()
    const batch = records.slice(at, at + BATCH_RECORDS_MAX)
    const isLast = at + BATCH_RECORDS_MAX >= records.length
    if (batch.length === 0) return
    yield isLast && position !== undefined ? { records: batch, position } : { records: batch }
  }
}
