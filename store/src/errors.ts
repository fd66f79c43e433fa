/** The database cannot be reached, ended the connection, or has no room or time: nothing is known to have been done, and the same
 *  call may succeed later. `cause` is the driver's error. */
export class StoreUnavailableError extends Error {
  override readonly name = 'StoreUnavailableError'

  constructor(cause: unknown) {
    super(`The database is not available: ${cause instanceof Error ? messageOf(cause) : String(cause)}`, {
      cause,
    })
  }
}

/** The database answers, but its schema is older than this program. */
export class StoreNotMigratedError extends Error {
  override readonly name = 'StoreNotMigratedError'

  constructor(missing: readonly string[]) {
    super(`The database lacks ${missing.join(', ')}: run \`syncproof migrate\``)
  }
}

/** A `cursor` that no `next_cursor` ever was. */
export class InvalidCursorError extends Error {
  override readonly name = 'InvalidCursorError'

  constructor() {
    super('The cursor is not one that this list has given')
  }
}

/** SQLSTATE classes and codes that say something of the server or the connection, not of the statement:
 *  connection exceptions, no disk, memory or connection left, read-only (a standby, or a server that was set so because its disk is
 *  full), locks and statements that took too long, deadlocks, what gave way to another transaction or, on a standby, to what it
 *  replays, shutdown, crash, starting up, unknown database or password, disks that fail. */
const UNAVAILABLE_STATES = /^(08...|28...|53...|25006|25P03|40001|40P01|55P03|57...|58030|3D000)$/

/** The server ended the statement in favour of something else, and lives: on a standby what it replays has changed the rows
 *  that were being read. The same may succeed at once. */
const GAVE_WAY_STATES = /^(40001|40P01)$/

const UNAVAILABLE_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENOENT',
  'EPIPE',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'PGLITE_GONE',
])

/** pg gives these no code. */
const UNAVAILABLE_MESSAGES =
  /^(Connection terminated|timeout exceeded when trying to connect|timeout expired|Client has encountered a connection error|Client was closed|Cannot use a pool after calling end)/

/** The driver's error as the store throws it: `StoreUnavailableError` where the database could not be reached,
 *  anything else unchanged. */
export function storeError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof StoreUnavailableError) return error
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  const unavailable =
    UNAVAILABLE_CODES.has(code) ||
    UNAVAILABLE_STATES.test(code) ||
    // the server ended the connection, whatever the code: a database that takes no connections says 55000
    ('severity' in error && error.severity === 'FATAL') ||
    UNAVAILABLE_MESSAGES.test(error.message) ||
    (error instanceof AggregateError && error.errors.every((inner) => storeError(inner) !== inner))
  return unavailable ? new StoreUnavailableError(error) : error
}

/** Whether this is a read that gave way and may be tried again at once. */
export function gaveWay(error: unknown): boolean {
  return error instanceof StoreUnavailableError && GAVE_WAY_STATES.test(sqlState(error.cause) ?? '')
}

export function sqlState(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

/** Node reports a host with several addresses as an AggregateError without a message. */
function messageOf(error: Error): string {
  if (error.message !== '') return error.message
  return error instanceof AggregateError ? error.errors.map(String).join('; ') : error.name
}
