import { sql } from 'kysely'
import type { AlertKey, AlertStore, DeliveryEnd, TakenAlert } from './alert-store.ts'
import type { Database } from './database.ts'

/** A message's states: `waiting` → `delivered` or `given_up`. One that waits is taken for the time of a lease; whoever has it
 *  says what became of it, or is taken to be dead when the lease is over, and the next one takes it again: it may then arrive
 *  twice, with one id. A later message of the same group and sink waits until those before it have ended. */

/** See `AlertStore.take`. */
export async function takeAlert(
  db: Database,
  projectId: string,
  { group, sink }: AlertKey,
  leaseMs: number,
): ReturnType<AlertStore['take']> {
  const { rows } = await sql<Omit<TakenAlert, 'createdMs'> & { readonly created_ms: number }>`
    update syncproof.alert_deliveries
    set attempts = attempts + 1, leased_until = clock_timestamp() + make_interval(secs => ${leaseMs / 1_000})
    where number = (
      select number from syncproof.alert_deliveries
      where project_id = ${projectId} and group_id = ${group} and sink = ${sink} and status = 'waiting'
      order by number limit 1
      for update)
      and status = 'waiting' and due_at <= clock_timestamp() and leased_until < clock_timestamp()
    returning number, message, attempts,
      (extract(epoch from created_at) * 1000)::double precision as created_ms`.execute(db)
  const [row] = rows
  if (row === undefined) return undefined
  const { created_ms, ...taken } = row
  return { ...taken, createdMs: created_ms }
}

/** See `AlertStore.settle`. */
export async function settleAlert(
  db: Database,
  { number, attempts }: TakenAlert,
  end: DeliveryEnd,
): ReturnType<AlertStore['settle']> {
  const result = await sql`
    update syncproof.alert_deliveries
    set status = ${end.status}, answer = ${end.answer}, leased_until = '-infinity',
      ended_at = ${end.status === 'waiting' ? null : sql`clock_timestamp()`},
      refreshed_at = ${end.status === 'delivered' ? sql`clock_timestamp()` : sql`refreshed_at`},
      due_at = clock_timestamp() + make_interval(secs => ${end.status === 'waiting' ? end.pauseMs / 1_000 : 0})
    where number = ${number} and attempts = ${attempts} and status = 'waiting'`.execute(db)
  return result.numAffectedRows === 1n
}
