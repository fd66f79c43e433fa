import { ListingError } from '@syncproof/core/comparison'

const NETWORK_CODES = /^E[A-Z_]+$/
/** Connection exceptions, shutdowns and crashes, too many connections, no such database. */
const UNREACHABLE_STATES = /^(08...|57P0.|53300|3D000)$/

/** The listing error that a driver's error stands for; what is no error of the database stays as it is.
 *  Messages of the server are left out where they may quote values. */
export function listingError(error: unknown, table: string): unknown {
  if (error instanceof ListingError || !(error instanceof Error)) return error
  const code = 'code' in error ? String(error.code) : ''
  const make = (listingCode: ConstructorParameters<typeof ListingError>[0], detail: string) =>
    new ListingError(listingCode, detail, { cause: error })
  switch (code) {
    case '42501':
      return make(
        'permission_denied',
        `The role may not read ${table}. Run: grant usage on its schema and select on ${table} to the role of the URL.`,
      )
    case '28P01':
    case '28000':
      return make('permission_denied', 'The database refused the user or password of the URL. Mend the URL.')
    case '57014':
      return make(
        'timed_out',
        `Reading ${table} in key order took longer than 60 s for one statement. Add an index: create index concurrently on ${table} ((<key>::text) collate "C").`,
      )
    case '42P01':
      return make('table_not_found', `The table ${table} is gone since the listing began.`)
    case '42703':
      return make('column_not_found', `A column of ${table} is gone since the listing began. Run again.`)
  }
  if (UNREACHABLE_STATES.test(code) || NETWORK_CODES.test(code) || isLostConnection(error)) {
    return make(
      'source_unreachable',
      `The database does not answer: ${code || 'the connection was closed'}. Check that it runs and that the URL names it.`,
    )
  }
  if (code === '') return error
  return make('page_failed', `The database refused a read of ${table} with SQLSTATE ${code}.`)
}

/** What the driver throws without a code. */
function isLostConnection(error: Error): boolean {
  return /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error)/.test(
    error.message,
  )
}

/** Errors that say that a text is no value of the key's type, so that no row can have it. */
const NOT_A_KEY = new Set(['22P02', '22003', '22007', '22008', '22021', '22P03'])

export function saysNoSuchKey(error: unknown): boolean {
  return error instanceof Error && 'code' in error && NOT_A_KEY.has(String(error.code))
}
