import { pathOf, valueAt } from '../field-paths.ts'
import { retryAfterMs, serverNowMs } from './retry-after.ts'

/** Where a server that refuses for now says how long, beside `Retry-After`, which is always read. */
export interface PauseOptions {
  /** A header such as `x-ratelimit-reset`. */
  readonly header?: string
  /** A member of the body such as `$.retry_after`. */
  readonly path?: string
  /** `s`, `ms`: from now. `epoch-s`, `epoch-ms`: the moment. Default `s`. */
  readonly unit?: 's' | 'ms' | 'epoch-s' | 'epoch-ms'
}

/** Milliseconds that the server asks to wait; undefined where it asks for nothing. */
export function pauseAsked(
  headers: Headers,
  body: unknown,
  options: PauseOptions | undefined,
): number | undefined {
  const asked = [retryAfterMs(headers), declared(headers, body, options)].filter((ms) => ms !== undefined)
  return asked.length === 0 ? undefined : Math.max(...asked)
}

function declared(headers: Headers, body: unknown, options: PauseOptions | undefined): number | undefined {
  const header = options?.header === undefined ? null : headers.get(options.header)
  const text = header ?? (options?.path === undefined ? undefined : valueAt(body, pathOf(options.path)))
  const number = typeof text === 'string' && text.trim() !== '' ? Number(text) : text
  if (typeof number !== 'number' || !Number.isFinite(number)) return undefined
  const unit = options?.unit ?? 's'
  const ms = unit.endsWith('ms') ? number : number * 1_000
  return Math.max(0, unit.startsWith('epoch') ? ms - serverNowMs(headers) : ms)
}
