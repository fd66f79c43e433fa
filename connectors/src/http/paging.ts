import { type JsonPath, pathOf, valueAt } from '../field-paths.ts'

/** How pages follow each other. Made by `cursor`, `link`, `offset`, `page` and `keyset`. */
export type NextPage =
  | { readonly kind: 'cursor'; readonly path: string; readonly param: string | undefined }
  | { readonly kind: 'link' }
  | { readonly kind: 'offset'; readonly param: string }
  | { readonly kind: 'page'; readonly param: string; readonly from: number }
  | {
      readonly kind: 'keyset'
      readonly param: string
      readonly path: string | undefined
      readonly as: string | undefined
      readonly inclusive: boolean
    }

/** The next page by a value in the body. Null, empty or absent means that this was the last page.
 *  With `param` the value is sent as that query parameter of the first page's URL. Without, a value that begins
 *  with `http://`, `https://`, `/` or `?` is the next address, and any other is sent as `cursor`. */
export function cursor(path: string, options: { readonly param?: string } = {}): NextPage {
  return { kind: 'cursor', path, param: options.param }
}

/** The next page by `Link: <…>; rel="next"` (RFC 8288). A page without such a link is the last. */
export function link(): NextPage {
  return { kind: 'link' }
}

/** Pages by how many records come before them, as `offset` or, with `{ param: 'skip' }`, as whatever it is called. The next
 *  one begins behind what has really come: a server may cut the limit silently. The end is a page without records. */
export function offset(options: { readonly param?: string } = {}): NextPage {
  return { kind: 'offset', param: options.param ?? 'offset' }
}

/** Pages by number, from 1 or from 0. The end is a page without records. */
export function page(options: { readonly param?: string; readonly from?: 0 | 1 } = {}): NextPage {
  return { kind: 'page', param: options.param ?? 'page', from: options.from ?? 1 }
}

/** Pages by the key of the last record before them; the URL or the body must ask for that order. `path` says where a record
 *  has it: by default it is the pair's key. `as` spells the parameter around it, with the key as JSON: `'{key}'` sends
 *  `"abc"`, `'{"id":{"$gt":{key}}}'` a filter. With `inclusive` a page begins with the record that the one before ended
 *  with. The end is a page without further records. */
export function keyset(options: {
  readonly param: string
  readonly path?: string
  readonly as?: string
  readonly inclusive?: boolean
}): NextPage {
  const { param, path, as, inclusive = false } = options
  return { kind: 'keyset', param, path, as, inclusive }
}

/** Where a page is: parameters beside those of the first one, or an address on the same origin. */
export type Place =
  | { readonly params: Readonly<Record<string, string | number>> }
  | { readonly address: string }

/** What a page showed of the next one. */
export interface PageSeen {
  readonly body: unknown
  readonly headers: Headers
  /** As the system has them. */
  readonly records: readonly unknown[]
  /** Records that had not come before. */
  readonly fresh: number
}

/** The end; a place; or what is wrong with what the page says. */
export type NextPlace = Place | undefined | { readonly wrong: string }

/** Which page comes first, and which after one. Pure. */
export class Paging {
  readonly #next: NextPage | undefined
  readonly #first: URL
  readonly #keyPath: JsonPath

  constructor(next: NextPage | undefined, first: URL, keyPath: JsonPath) {
    this.#next = next
    this.#first = first
    this.#keyPath = keyPath
  }

  first(): Place {
    const next = this.#next
    if (next?.kind === 'page') return { params: { [next.param]: next.from } }
    return { params: next?.kind === 'offset' ? { [next.param]: 0 } : {} }
  }

  after(place: Place, current: URL, seen: PageSeen): NextPlace {
    const next = this.#next
    switch (next?.kind) {
      case undefined:
        return undefined
      case 'link':
        return this.#addressed(nextLink(seen.headers.get('link'), current))
      case 'cursor':
        return this.#cursor(next, current, seen.body)
      case 'offset':
      case 'page':
        return seen.records.length === 0 ? undefined : numbered(next, place, seen.records.length)
      case 'keyset':
        return this.#keyset(next, seen)
    }
  }

  /** Where the page after this one will be if it is as long as others; undefined where only the page itself can say. */
  ahead(place: Place, recordsPerPage: number): Place | undefined {
    const next = this.#next
    if (next?.kind === 'page') return numbered(next, place, recordsPerPage)
    return next?.kind === 'offset' && recordsPerPage > 0 ? numbered(next, place, recordsPerPage) : undefined
  }

  /** A page without new records is the end of such a listing, where for others it is one that stands still. */
  endsWith({ records, fresh }: PageSeen): boolean {
    const next = this.#next
    if (next?.kind === 'offset' || next?.kind === 'page' || next?.kind === 'keyset') {
      const repeated = next.kind === 'keyset' && next.inclusive ? 1 : 0
      return records.length <= repeated && fresh === 0
    }
    return false
  }

  #cursor(next: Extract<NextPage, { kind: 'cursor' }>, current: URL, body: unknown): NextPlace {
    const token = valueAt(body, pathOf(next.path))
    if (token === undefined || token === null || token === '' || token === false) return undefined
    if (typeof token !== 'string' && typeof token !== 'number') {
      return {
        wrong: `has ${token === true ? 'true' : 'an object'} at ${next.path} where a cursor should be`,
      }
    }
    const text = String(token)
    if (next.param === undefined && /^(https?:\/\/|\/|\?)/i.test(text)) {
      return this.#addressed(parseAddress(text, current) ?? null)
    }
    return { params: { [next.param ?? 'cursor']: text } }
  }

  #keyset(next: Extract<NextPage, { kind: 'keyset' }>, { records, fresh }: PageSeen): NextPlace {
    if (fresh === 0) return undefined
    const key = valueAt(records.at(-1), next.path === undefined ? this.#keyPath : pathOf(next.path))
    if (typeof key !== 'string' && typeof key !== 'number') {
      return { wrong: 'ends a page with a record that has no key to go on from' }
    }
    const value = next.as === undefined ? String(key) : next.as.replaceAll('{key}', () => JSON.stringify(key))
    return { params: { [next.param]: value } }
  }

  /** Nothing but the origin that is configured is ever asked: no reply can make us call something else. */
  #addressed(address: URL | null | undefined): NextPlace {
    if (address === undefined) return undefined
    if (address === null) return { wrong: 'names a next page that is no address' }
    if (address.origin !== this.#first.origin) return { wrong: `foreign ${address.origin}` }
    return { address: address.pathname + address.search }
  }
}

function numbered(
  { kind, param }: Extract<NextPage, { kind: 'offset' | 'page' }>,
  place: Place,
  records: number,
): Place {
  const at = 'params' in place ? Number(place.params[param]) : 0
  return { params: { [param]: kind === 'page' ? at + 1 : at + records } }
}

/** The target of the `next` link; undefined where there is none, null where it is no address. */
export function nextLink(header: string | null, current: URL): URL | null | undefined {
  if (!header) return undefined
  for (const [, target = '', parameters = ''] of header.matchAll(LINK)) {
    const rel = [...parameters.matchAll(PARAMETER)].find(([, name]) => name?.toLowerCase() === 'rel')
    const relations = (rel?.[2] ?? rel?.[3] ?? '').toLowerCase().split(/\s+/)
    if (relations.includes('next')) return parseAddress(target, current) ?? null
  }
  return undefined
}

/** One link with its parameters; a comma inside quotes does not end it. */
const LINK = /<([^>]*)>((?:[^,"]|"(?:[^"\\]|\\.)*")*)/g
const PARAMETER = /;\s*([^\s;,="]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,]+))/g

function parseAddress(text: string, base: URL): URL | undefined {
  return URL.canParse(text, base.href) ? new URL(text, base) : undefined
}
