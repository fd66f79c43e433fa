/** What a call does to its row. */
export const CHANGES = [
  /** `{ ...existing, ...updates }`, every column written. */
  'spread_merge',
  /** One column, with the caller's value. */
  'supplied',
  /** One column, computed from what was read. */
  'derived',
  /** `stage` from A to B or back, by what was read: values repeat. */
  'toggle',
  /** `score` + 1 in the app, declared as a counter. */
  'counter',
  /** `score = score + 1` in SQL. */
  'increment',
] as const
type Change = (typeof CHANGES)[number]

/** What keeps others out, or is believed to. */
export const GUARDS = [
  'naive',
  'for_update',
  'for_update_autocommit',
  'for_key_share',
  'read_before_lock',
  'wrong_row',
  'savepoint_released',
  'compare_and_set',
  'repeatable_read',
  'serializable',
  'advisory',
] as const
export type Guard = (typeof GUARDS)[number]

/** What else a call is, beside one change of one row. */
export const SHAPES = [
  'plain',
  /** The change is made twice, the first time under a savepoint that is rolled back. */
  'savepoint',
  /** A wrapped call within a wrapped call: both write the row. */
  'nested',
  /** Two wrapped calls, one after the other, in one transaction. */
  'shared_transaction',
  'upsert',
  'delete_and_create',
  /** One statement on two rows. */
  'two_rows',
  /** Reads both rows, writes one. */
  'skew',
  /** Looks for the record by its key in the other system, and creates it there. */
  'create_by_email',
  /** Writes, and leaves the sync to another process. */
  'outbox',
  /** A writer that reports nothing. */
  'raw',
] as const
export type Shape = (typeof SHAPES)[number]

/** What the other system does with a request. */
export const ANSWERS = ['ok', 'rejected', 'request_lost', 'reply_lost', 'applied_late', 'slow'] as const
export type Answer = (typeof ANSWERS)[number]

/** How the program reaches the database. */
export const ACCESSES = ['pg', 'kysely', 'helper'] as const
type Access = (typeof ACCESSES)[number]

/** `mended`: a BEFORE trigger rewrites `note`. `bumped`: an AFTER trigger updates the row once more. */
export const TABLES = ['plain', 'mended', 'bumped'] as const
export type Table = (typeof TABLES)[number]

/** Where a process kills itself. */
export const CRASHES = ['after_read', 'after_write', 'after_commit', 'after_sync'] as const
export type Crash = (typeof CRASHES)[number]

/** One call, as it is planned from the seed; what it meets is not planned. */
export interface CallPlan {
  /** Unique within a run; the idempotency key by which its operation is known again. */
  readonly key: string
  readonly shape: Shape
  readonly change: Change
  readonly guard: Guard
  /** Declared as an exclusive section. */
  readonly section: boolean
  readonly access: Access
  readonly client: 'fetch' | 'proxy'
  readonly table: Table
  readonly row: string
  readonly otherRow: string
  /** The caller's values. */
  readonly updates: Readonly<Record<string, string>>
  readonly sync: 'after_commit' | 'in_transaction' | 'none'
  readonly syncsDeclared: boolean
  readonly answers: readonly Answer[]
  readonly onFailure: 'throw' | 'ignore' | 'retry'
  /** Its transaction ends in ROLLBACK. */
  readonly rollsBack: boolean
  /** Its connection is cut while it commits: when COMMIT is sent, or just before, so that it never is. */
  readonly cutsCommit?: 'sent' | 'unsent'
  /** Between its steps, in milliseconds. */
  readonly pauseMs: number
  readonly crash?: Crash
}

/** `key`s of the operations that a call makes: most make one. */
export function innerKey(key: string): string {
  return `${key}/inner`
}
