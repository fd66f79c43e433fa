export const LISTING_ERROR_CODES = [
  'source_unreachable',
  'permission_denied',
  'timed_out',
  'file_not_found',
  'command_failed',
  'table_not_found',
  'column_not_found',
  'page_failed',
  'not_json',
  'not_utf8',
  'unexpected_shape',
  'body_too_large',
  'truncated',
  'cursor_expired',
  'cursor_repeated',
  'page_did_not_advance',
  'foreign_origin',
  'key_missing',
  'duplicate_key',
  'keys_not_ordered',
] as const
export type ListingErrorCode = (typeof LISTING_ERROR_CODES)[number]

/** A listing or a read that cannot be trusted. It makes the report `unknown`; it never means that records are
 *  missing. `detail` says what was seen and how to mend it, without values of records. */
export class ListingError extends Error {
  override readonly name = 'ListingError'
  readonly code: ListingErrorCode
  readonly detail: string

  constructor(code: ListingErrorCode, detail: string, options?: { readonly cause?: unknown }) {
    super(`${code}: ${detail}`, options)
    this.code = code
    this.detail = detail
  }
}
