/** What one statement said of the version that it replaced. */
export interface OverwrittenFacts {
  /** `xmin` of the replaced row: 32 bits. */
  readonly xmin: bigint
  /** The statement's own transaction: 64 bits. */
  readonly current: bigint
  /** What pg_xact_status said of the replaced row's transaction; null where it could not be asked; undefined where
   *  the statement did not try to. */
  readonly status: string | null | undefined
  readonly isolation: string
}

const BITS_32 = 2n ** 32n
const FIRST_NORMAL_XID = 3n

/** Whether the replaced version was made by the transaction that replaced it, under a savepoint perhaps.
 *  `ask` where the transaction must be asked once more, by `fullXid`. */
export function decideOverwrittenBySelf(facts: OverwrittenFacts): boolean | 'ask' {
  const { xmin, current, status, isolation } = facts
  if (xmin < FIRST_NORMAL_XID) return false
  const full = fullXid(xmin, current)
  if (full === current) return true
  // the ids of its savepoints come after its own
  if (full < current) return false
  if (status === undefined) return 'ask'
  if (status !== null) return status === 'in progress'
  // its snapshot is older than itself: no other transaction with a later id can be seen, let alone overwritten
  if (isolation !== 'read committed') return true
  return 'ask'
}

/** The 64-bit id that the 32 bits stand for: the one nearest to the present. Of a row that was frozen two
 *  thousand million transactions ago it is a wrong one, in the future: such a row is then said to be replaced by
 *  its own writer, which proves nothing. */
export function fullXid(xmin: bigint, current: bigint): bigint {
  return current + BigInt.asIntN(32, xmin - current)
}

/** The 32 bits of an id, as `xmin` shows it. */
export function shortXid(full: bigint): string {
  return (full % BITS_32).toString()
}
