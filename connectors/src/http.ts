import type { SourceSpec } from '@syncproof/core/comparison'

/** How a reply says where the next page is, and that there is none. */
export type NextPage =
  | { readonly kind: 'cursor'; readonly path: string; readonly param?: string | undefined }
  | { readonly kind: 'link' }

export interface HttpOptions {
  /** First page, with any parameters that it needs: `https://ats.example/candidates?limit=100`. */
  readonly url: string
  /** Where a page holds its records: `$.data`. Default: the body is the array. */
  readonly records?: string
  /** The member that holds the record's key: `id`, `$.attributes.externalRef`. */
  readonly key: string
  /** Default: one page is all. */
  readonly next?: NextPage
  /** One record: a path on the same origin, or a whole URL, with `{key}` in it. */
  readonly get?: string
  /** Where the answer to `get` holds the record: `$.data`. Default: the body is the record. */
  readonly record?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Requests a second, minute or hour: `10/s`, `600/m`. Default: no limit of our own. */
  readonly rate?: string
  /** For one request, its body included. Default `30s`. */
  readonly timeout?: string
  /** The API lists its keys in ascending order of their UTF-8 bytes. Default false. */
  readonly ordered?: boolean
}

/** The next page by a cursor in the body. Null, empty or absent there means that this was the last page.
 *  With `param` the value is sent as that query parameter of `url`; without, it is a URL or a path. */
export declare function cursor(path: string, options?: { readonly param?: string }): NextPage
/** The next page by `Link: <…>; rel="next"` (RFC 8288). A page without such a link is the last. */
export declare function link(): NextPage
/** Records of a JSON API over HTTP. */
export declare function http(options: HttpOptions): SourceSpec
