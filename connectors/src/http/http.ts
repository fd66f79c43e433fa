import type { SourceSpec } from '@syncproof/core/comparison'
import { keyNames } from '../compound-key.ts'
import { ConfigError } from '../config-error.ts'
import { parseDuration, parseRate } from '../duration.ts'
import { pathOf } from '../field-paths.ts'
import { checkMembers } from '../members.ts'
import { type RecordOptions, shapeOf } from '../records.ts'
import { type HttpAuth, whoAsks } from './auth.ts'
import { limiterOf } from './limiter.ts'
import { members } from './option-rules.ts'
import type { NextPage } from './paging.ts'
import type { PauseOptions } from './pauses.ts'
import { HttpSource } from './source.ts'

export interface HttpOptions extends RecordOptions {
  /** First page, with the parameters that it needs: `https://ats.example/candidates?limit=100&sort=id`. */
  readonly url: string
  /** Where pages are asked for by POST, as of a search: sent as JSON, with the parameters of `next` in it. */
  readonly body?: Readonly<Record<string, unknown>>
  /** Where a page holds its records: `$.data`. Default: the body is the list. */
  readonly records?: string
  /** `cursor`, `link`, `offset`, `page` or `keyset`. Default: one page is all. */
  readonly next?: NextPage
  /** One record by key: a path on the origin of `url`, or a whole URL, with `{key}` in it (or `{name}` for each part of
   *  one). */
  readonly get?: string
  /** Where the answer to `get` holds the record: `$.data`, or `$.results[0]` of a filtered list, whose being empty means
   *  that there is none. Default: the body is the record. */
  readonly record?: string
  /** Statuses of `get` that mean that there is no such record. Default 404 and 410. */
  readonly gone?: readonly number[]
  /** Where the API says how many records there are: a member of a page or of an address of its own, or a header. Fewer
   *  records in the listing are a listing that is not whole. Default: the header `x-total-count`, where it is sent. */
  readonly count?: { readonly url?: string; readonly path?: string; readonly header?: string }
  /** `basic`, `bearer` or `login`. */
  readonly auth?: HttpAuth
  /** With every request; `accept` is `application/json` unless it is here. */
  readonly headers?: Readonly<Record<string, string>>
  /** At most so many requests: `10/s`, `600/m`. Default: no limit of our own. All pairs that ask one origin with the same
   *  credentials share it. */
  readonly rate?: string
  /** Requests that may be sent at once after a quiet time. Default 1. */
  readonly burst?: number
  /** Requests at once. Pages are asked for ahead where their place can be told: by `offset` and `page`. Default 4. */
  readonly inFlight?: number
  /** Where a refusal says how long to wait, beside `Retry-After`. */
  readonly pause?: PauseOptions
  /** For one request with its body: `30s` is the default. */
  readonly timeout?: string
  /** More pages are a listing that does not end. Default 1,000,000. */
  readonly pagesMax?: number
  /** The API lists keys in ascending order of their UTF-8 bytes. Default false. */
  readonly ordered?: boolean
}

const TIMEOUT_DEFAULT = '30s'
const IN_FLIGHT_DEFAULT = 4
const PAGES_MAX_DEFAULT = 1_000_000
const GONE_DEFAULT = [404, 410]

/** Records of a JSON API over HTTP. A listing counts only when it is whole: each page 200 with JSON, no cursor
 *  twice, every page with something new, the end said by the API, and its own count reached where it is said.
 *  At most 16 MiB a page. Numbers keep all their digits. Nothing but the origins that are named here is ever asked.
 *  @throws ConfigError for options that are missing, unknown or of the wrong type */
export function http(options: HttpOptions): SourceSpec {
  checkMembers(options, 'http', members, (path, detail) => new ConfigError(path, detail))
  const first = new URL(options.url)
  const label = `${first.origin}${first.pathname}`
  const keys = keyNames(options.key)
  const { headers = {}, auth, inFlight = IN_FLIGHT_DEFAULT, count } = options
  return {
    kind: 'http',
    description: `http ${label}`,
    open: () =>
      new HttpSource({
        ...{ label, first, inFlight, body: options.body, next: options.next },
        recordsPath: pathOf(options.records ?? '$'),
        shape: shapeOf(options),
        get:
          options.get === undefined
            ? undefined
            : {
                template: options.get,
                keyNames: keys,
                recordPath: pathOf(options.record ?? '$'),
                gone: options.gone ?? GONE_DEFAULT,
              },
        count: count && {
          url: count.url === undefined ? undefined : new URL(count.url, first),
          path: count.path === undefined ? undefined : pathOf(count.path),
          header: count.header,
        },
        ordered: options.ordered ?? false,
        pagesMax: options.pagesMax ?? PAGES_MAX_DEFAULT,
        requester: {
          ...{ headers, auth, pause: options.pause },
          timeoutMs: parseDuration(options.timeout ?? TIMEOUT_DEFAULT),
          limiter: limiterOf(whoAsks(first.origin, auth, headers), {
            spacingMs: options.rate === undefined ? 0 : parseRate(options.rate),
            burst: options.burst ?? 1,
            inFlight,
          }),
        },
      }),
  }
}
