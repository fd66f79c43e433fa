import type { Outcome, WriteAction } from '@syncproof/core/contract'

/** Classes of SQLSTATE (first two characters), and single codes, after which a statement was surely not
 *  applied. Not among them: 08 (connection), 57P01 to 57P05 (the server goes away, maybe after the commit),
 *  40003 (completion unknown), XX (internal). */
const DEFINITE_SQLSTATES =
  /^(?:0A|0L|0P|20|21|22|23|25|26|27|28|2B|2F|34|38|39|3B|3D|3F|42|44|53|54|55|P0)...$|^(?:40001|40002|40P01|57014)$/

/** What a statement, or a COMMIT, that failed with this error did to the database. */
export function outcomeOfDatabaseError(error: unknown): Outcome {
  const code = readMember(error, 'code')
  return typeof code === 'string' && DEFINITE_SQLSTATES.test(code) ? 'rejected' : 'unknown'
}

/** The outcome of a write that the app made by other means than the PostgreSQL helper. */
export function outcomeOfWriteResult(value: unknown): Outcome {
  const rowCount = readMember(value, 'rowCount')
  // node-postgres says that the statement touched no row
  return rowCount === 0 && typeof readMember(value, 'command') === 'string' ? 'rejected' : 'ok'
}

/** What is known of one external system beyond HTTP's own rules: statuses, and codes of errors such as
 *  `ECONNREFUSED`, by what they say of a sync. */
export interface OutcomeRules {
  /** Surely applied: `409` where it means that the record is there already. */
  readonly applied?: readonly number[] | undefined
  /** Surely not applied. */
  readonly rejected?: readonly (number | string)[] | undefined
  /** It may have been applied. */
  readonly unknown?: readonly (number | string)[] | undefined
}

export interface SyncOutcome {
  readonly outcome: Outcome
  readonly status?: number | undefined
}

/** An error that an external system's client threw. `rejected` only for a definite status: no error code is
 *  one by itself, because a client may have followed a redirect, or have tried before, and failed to connect
 *  only then. */
export function outcomeOfSyncError(error: unknown, action: WriteAction, rules?: OutcomeRules): SyncOutcome {
  const status = statusOf(error) ?? statusOf(readMember(error, 'response'))
  const ruled = (status !== undefined && ruledOutcome(status, rules)) || outcomeOfCodes(error, rules)
  return { outcome: ruled || (isDefinite(status, action) ? 'rejected' : 'unknown'), status }
}

/** What an external system's client resolved with: an HTTP response is judged by its status, anything else
 *  means that it was applied. */
export function outcomeOfSyncResult(value: unknown, action: WriteAction, rules?: OutcomeRules): SyncOutcome {
  const status = isResponse(value) ? statusOf(value) : undefined
  return status === undefined
    ? { outcome: 'ok' }
    : { outcome: outcomeOfStatus(status, action, rules), status }
}

/** What the status of an answer says. */
export function outcomeOfStatus(status: number, action: WriteAction, rules?: OutcomeRules): Outcome {
  const ruled = ruledOutcome(status, rules)
  if (ruled) return ruled
  if (status >= 200 && status < 300 && status !== 202) return 'ok'
  return isDefinite(status, action) ? 'rejected' : 'unknown'
}

function ruledOutcome(answer: number | string, rules: OutcomeRules | undefined): Outcome | undefined {
  if (rules?.unknown?.includes(answer)) return 'unknown'
  if (rules?.rejected?.includes(answer)) return 'rejected'
  return typeof answer === 'number' && rules?.applied?.includes(answer) ? 'ok' : undefined
}

const CAUSES_MAX = 4

function outcomeOfCodes(error: unknown, rules: OutcomeRules | undefined): Outcome | undefined {
  let cause = error
  for (let depth = 0; depth < CAUSES_MAX; depth += 1) {
    const code = readMember(cause, 'code')
    const ruled = typeof code === 'string' ? ruledOutcome(code, rules) : undefined
    if (ruled) return ruled
    cause = readMember(cause, 'cause')
  }
  return undefined
}

const INDEFINITE_STATUSES: readonly number[] = [408, 409, 425, 429]

function isDefinite(status: number | undefined, action: WriteAction): boolean {
  if (status === undefined || status < 400 || status > 499) return false
  // gone already: an earlier try may have been the one that deleted it
  if ((status === 404 || status === 410) && action === 'delete') return false
  return !INDEFINITE_STATUSES.includes(status)
}

/** A record may have a `status` of its own: only what also has headers is a response. */
function isResponse(value: unknown): boolean {
  const headers = readMember(value, 'headers')
  return typeof headers === 'object' && headers !== null
}

function statusOf(value: unknown): number | undefined {
  for (const name of ['status', 'statusCode']) {
    const status = readMember(value, name)
    if (typeof status === 'number' && Number.isInteger(status) && status >= 100 && status <= 599)
      return status
  }
  return undefined
}

export function readMember(value: unknown, name: string): unknown {
  try {
    return typeof value === 'object' && value !== null
      ? (value as Readonly<Record<string, unknown>>)[name]
      : undefined
  } catch {
    return undefined
  }
}
