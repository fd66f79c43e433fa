import { sql } from 'kysely'
import type { Database, Tx } from './database.ts'
import { sqlState } from './errors.ts'
import type { RetentionPolicy, RetentionSubject } from './store.ts'

/** Rows that one transaction looks at: some tens of milliseconds, also on PGlite, where everybody waits for it. */
export const ROWS_AT_ONCE = 1_000

/** What is removed is this much older than what is kept. An event that was just in time is stored, judged, and looked for
 *  by whoever wants to know who made a version; each takes hours at most, and clocks differ. */
export const MARGIN_MS = 24 * 60 * 60 * 1000

/** A deadlock ends one of the two. */
const TRIES_MAX = 5

/** One call of `RetentionStore.expire`, as the parts of it see it. */
export interface Pass {
  readonly db: Database
  readonly policy: RetentionPolicy
  readonly nowMs: number
  /** Looked at between two transactions. */
  readonly signal: AbortSignal
  /** Removes rows in a transaction of its own and counts them. @param remove resolves with how many it removed */
  remove(subject: RetentionSubject | undefined, remove: (tx: Tx) => Promise<number>): Promise<number>
  /** Adds rows that were removed, and counted, in another way to what the call returns. */
  tell(subject: RetentionSubject, rows: number): void
  /** Says why something that is due is still there. */
  keep(why: string): void
}

export async function committed<T>(db: Database, run: (tx: Tx) => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await db.transaction().execute(run)
    } catch (error) {
      if (sqlState(error) !== '40P01' || tries >= TRIES_MAX) throw error
    }
  }
}

/** Adds to what is said to have gone. */
export async function countExpired(tx: Tx, subject: RetentionSubject, rows: number): Promise<void> {
  if (rows === 0) return
  await sql`
    insert into syncproof.retention as known (subject, expired) values (${subject}, ${rows})
    on conflict (subject) do update set expired = known.expired + excluded.expired`.execute(tx)
}

/** Says for ever that nothing older is kept. To be committed before anything is removed: who reads then knows that what is
 *  not there may have been.
 *  @returns since when nothing is kept, which may be later */
export async function promiseGone(
  db: Database,
  subject: RetentionSubject,
  beforeMs: number,
): Promise<number> {
  const { rows } = await sql<{ ms: number }>`
    insert into syncproof.retention as known (subject, gone_before)
    values (${subject}, to_timestamp(${beforeMs / 1000}::double precision))
    on conflict (subject) do update set gone_before = greatest(known.gone_before, excluded.gone_before)
    returning extract(epoch from gone_before)::double precision * 1000 as ms`.execute(db)
  return rows[0]?.ms ?? beforeMs
}
