import {
  ListingError,
  type RecordBatch,
  type RecordSource,
  type SourceRecord,
} from '@syncproof/core/comparison'
import { inBatches } from '../batches.ts'
import { isPlainObject, kindOf } from '../members.ts'
import { type JsonPath, parsePath, valueAt } from './json-path.ts'
import { cursorAddress, type NextPage, nextLink } from './next-page.ts'
import { type Reply, Requester, type RequesterOptions } from './requester.ts'
import { Seen } from './seen.ts'

const PAGES_MAX = 1_000_000
const RECORDS_MAX = 10_000_000
/** Pages may be empty where the API filters after it pages; so many in a row are a listing that stands still. */
const EMPTY_PAGES_MAX = 20

export interface HttpSourceOptions {
  /** The first page's address without its parameters. */
  readonly label: string
  readonly first: URL
  readonly next: NextPage | undefined
  readonly get: string | undefined
  readonly recordsPath: JsonPath
  readonly recordPath: JsonPath
  readonly keyPath: JsonPath
  readonly ordered: boolean
  readonly requester: RequesterOptions
}

export class HttpSource implements RecordSource {
  readonly name: string
  readonly ordered: boolean
  readonly get?: (key: string, signal: AbortSignal) => Promise<SourceRecord | undefined>
  readonly #options: HttpSourceOptions
  readonly #requester: Requester
  readonly #closing = new AbortController()

  constructor(options: HttpSourceOptions) {
    this.name = `http ${options.label}`
    this.ordered = options.ordered
    this.#options = options
    this.#requester = new Requester(options.requester)
    const template = options.get
    if (template !== undefined) this.get = (key, signal) => this.#get(template, key, signal)
  }

  async *list(signal: AbortSignal): AsyncGenerator<RecordBatch> {
    const { first, label } = this.#options
    const either = AbortSignal.any([signal, this.#closing.signal])
    const records = new Seen()
    const addresses = new Seen()
    let url: URL | undefined = first
    let emptyPages = 0
    while (url !== undefined) {
      if (addresses.add(url.href, '') !== 'new') {
        throw this.#error(
          'cursor_repeated',
          'sends a page that it has sent before as the next one. Check `next`.',
        )
      }
      if (addresses.count > PAGES_MAX || records.count > RECORDS_MAX) {
        throw this.#error('truncated', 'does not end. Ask for larger pages, or check `next`.')
      }
      const reply: Reply = await this.#requester.get({ url, label, expected: [] }, either)
      const page = this.#readPage(reply)
      const fresh = this.#newOnes(page, records)
      url = this.#next(reply, url)
      emptyPages = page.length === 0 ? emptyPages + 1 : 0
      if (url !== undefined && fresh.length === 0 && (page.length > 0 || emptyPages > EMPTY_PAGES_MAX)) {
        throw this.#error('page_did_not_advance', 'sends pages without any new record. Check `next`.')
      }
      yield* inBatches(fresh, either)
      if (url === undefined) this.#checkTotal(reply, records.count)
    }
  }

  requests(): number {
    return this.#requester.requests
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('The source was closed.'))
  }

  async #get(template: string, key: string, signal: AbortSignal): Promise<SourceRecord | undefined> {
    // as a path these would name the collection or its parent, whatever their escaping
    if (key === '' || key === '.' || key === '..') {
      throw this.#error('unexpected_shape', 'cannot be asked for a record whose key is empty, `.` or `..`.')
    }
    const url = new URL(
      template.replaceAll('{key}', () => encodeURIComponent(key)),
      this.#options.first,
    )
    const either = AbortSignal.any([signal, this.#closing.signal])
    const reply = await this.#requester.get({ url, label: template, expected: [404, 410] }, either)
    if (reply.status !== 200) return undefined
    const record = this.#readRecord(valueAt(reply.body, this.#options.recordPath), reply.observedAt)
    if (record.key !== key) {
      throw this.#error(
        'unexpected_shape',
        'answers a read by key with a record of another key. Check `get` and `key`.',
      )
    }
    return record
  }

  #readPage(reply: Reply): SourceRecord[] {
    const list = valueAt(reply.body, this.#options.recordsPath)
    if (Array.isArray(list)) return list.map((item) => this.#readRecord(item, reply.observedAt))
    const path = ['$', ...this.#options.recordsPath].join('.')
    throw this.#error(
      'unexpected_shape',
      `answers 200 with ${kindOf(list)} at ${path} where the list should be. Check \`records\`; it may be an error in the body.`,
    )
  }

  #readRecord(item: unknown, observedAt: string): SourceRecord {
    const { keyPath } = this.#options
    if (!isPlainObject(item)) {
      throw this.#error(
        'unexpected_shape',
        `sends ${kindOf(item)} where a record should be. Check the paths.`,
      )
    }
    const key = readKey(valueAt(item, keyPath))
    if (key === undefined) {
      throw this.#error(
        'key_missing',
        `sends a record whose ${keyPath.join('.')} is ${kindOf(valueAt(item, keyPath))}. \`key\` must be a text or a whole number that every record has.`,
      )
    }
    const [name, nested] = keyPath
    const fields =
      nested === undefined
        ? Object.fromEntries(Object.entries(item).filter(([member]) => member !== name))
        : item
    return { key, fields, observedAt }
  }

  /** Pages overlap where records are added while they are read: the same record twice is one. */
  #newOnes(page: readonly SourceRecord[], seen: Seen): SourceRecord[] {
    return page.filter((record) => {
      const was = seen.add(record.key, this.#content(record))
      if (was !== 'different') return was === 'new'
      throw this.#error(
        'duplicate_key',
        'lists one key twice with different content: the key is not unique, or the record changed meanwhile. Check `key`, or run again.',
      )
    })
  }

  #content(record: SourceRecord): string {
    try {
      return JSON.stringify(record.fields)
    } catch (cause) {
      if (!(cause instanceof RangeError)) throw cause
      throw this.#error('unexpected_shape', 'sends a record that is nested too deep to be read.')
    }
  }

  #next(reply: Reply, current: URL): URL | undefined {
    const { next, first } = this.#options
    if (next === undefined) return undefined
    const address =
      next.kind === 'link' ? nextLink(reply.headers.get('link'), current) : this.#cursor(next, reply, current)
    if (address === undefined) return undefined
    if (address === null)
      throw this.#error('unexpected_shape', 'names a next page that is no address. Check `next`.')
    if (address.origin === first.origin) return address
    throw this.#error(
      'foreign_origin',
      `names a next page on ${address.origin}, which is not followed. Behind a proxy, let the API see the outer host, or page by cursor('…', { param: '…' }).`,
    )
  }

  #cursor(next: Extract<NextPage, { kind: 'cursor' }>, reply: Reply, current: URL): URL | null | undefined {
    const token = valueAt(reply.body, parsePath(next.path) ?? [])
    if (token === undefined || token === null || token === '' || token === false) return undefined
    if (typeof token !== 'string' && typeof token !== 'number') {
      throw this.#error(
        'unexpected_shape',
        `has ${kindOf(token)} at ${next.path} where a cursor should be. Check \`next\`.`,
      )
    }
    return cursorAddress(this.#options.first, current, String(token), next.param) ?? null
  }

  /** json-server and many others say how many records there are. Fewer were listed: pages are missing. It does
   *  not show a record that slipped between two pages; a read by key does. */
  #checkTotal(reply: Reply, count: number): void {
    const total = reply.headers.get('x-total-count')
    if (total === null || !/^\d{1,15}$/.test(total) || count >= Number(total)) return
    throw this.#error('truncated', `counts ${total} records and listed ${count}. Set or mend \`next\`.`)
  }

  #error(code: ConstructorParameters<typeof ListingError>[0], what: string): ListingError {
    return new ListingError(code, `${this.#options.label} ${what}`)
  }
}

/** A key as text; undefined for what cannot be one. Big whole numbers come as text already. */
function readKey(value: unknown): string | undefined {
  if (typeof value === 'string') return value !== '' && value.isWellFormed() ? value : undefined
  return Number.isSafeInteger(value) ? String(value) : undefined
}
