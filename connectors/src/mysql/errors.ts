import { ListingError } from '@syncproof/core/comparison'

/** The listing error that a driver's error stands for; what is no error of the database stays as it is.
 *  Messages of the server are left out where they may quote values. */
export function listingError(error: unknown, table: string): unknown {
  if (error instanceof ListingError || !(error instanceof Error)) return error
  const code = 'code' in error ? String(error.code) : ''
  const make = (listingCode: ConstructorParameters<typeof ListingError>[0], detail: string) =>
    new ListingError(listingCode, detail, { cause: error })
  switch (code) {
    case 'ER_TABLEACCESS_DENIED_ERROR':
    case 'ER_COLUMNACCESS_DENIED_ERROR':
      return make(
        'permission_denied',
        `The user may not read ${table}. Run: grant select on ${table} to the user of the URL.`,
      )
    case 'ER_ACCESS_DENIED_ERROR':
    case 'ER_DBACCESS_DENIED_ERROR':
      return make('permission_denied', 'The database refused the user or password of the URL. Mend the URL.')
    case 'ER_STATEMENT_TIMEOUT':
    case 'ER_QUERY_TIMEOUT':
      return make(
        'timed_out',
        `Reading ${table} in key order took longer than 60 s for one statement. Compare a part of it, by a view.`,
      )
    case 'ER_NO_SUCH_TABLE':
      return make('table_not_found', `The table ${table} is gone since the listing began.`)
    case 'ER_BAD_FIELD_ERROR':
      return make('column_not_found', `A column of ${table} is gone since the listing began. Run again.`)
    case 'ER_TABLE_DEF_CHANGED':
      return make('column_not_found', `The table ${table} was altered while it was read. Run again.`)
  }
  if (
    UNREACHABLE.has(code) ||
    /^E[A-Z]+$/.test(code) ||
    /closed state|Connection lost/i.test(error.message)
  ) {
    return make(
      'source_unreachable',
      `The database does not answer: ${code || 'the connection was closed'}. Check that it runs and that the URL names it.`,
    )
  }
  return code === '' ? error : make('page_failed', `The database refused a read of ${table} with ${code}.`)
}

const UNREACHABLE = new Set([
  'PROTOCOL_CONNECTION_LOST',
  'ER_BAD_DB_ERROR',
  'ER_CON_COUNT_ERROR',
  'ER_SERVER_SHUTDOWN',
  'ER_CONNECTION_KILLED',
])
