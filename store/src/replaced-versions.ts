import { findingId } from '@syncproof/core/contract'
import { sql } from 'kysely'
import type { Database, Tx } from './database.ts'
import { jsonb } from './sql-text.ts'
import type { DetectionVerdicts } from './store.ts'

/** Versions of one project that wait; more are not looked for, until some of these are decided. */
const WAITING_MAX = 10_000

/** Versions that are looked at in one go. */
const LOOKS_MAX = 100

/** A version that waits for its maker. Times are milliseconds since 1970. */
export interface ReplacedVersion {
  readonly findingId: string
  readonly version: string
  readonly operationId: string
  readonly eventId: string
  readonly noticedMs: number
  readonly nowMs: number
  readonly wholeMs: number | null
  readonly isFound: boolean
}

/** Remembers versions whose maker is to be looked for. Doing it twice changes nothing. */
export async function rememberUnseen(
  tx: Tx,
  projectId: string,
  unseen: NonNullable<DetectionVerdicts['unseen']>,
): Promise<void> {
  if (unseen.length === 0) return
  const rows = unseen.map(({ version, operationId, eventId }) => ({
    finding_id: findingId('unobserved-write', version),
    version,
    operation_id: operationId,
    event_id: eventId,
  }))
  await sql`
    insert into syncproof.replaced_versions
      (project_id, finding_id, version, operation_id, event_id, noticed_at, next_look_at)
    select ${projectId}, finding_id, version, operation_id, event_id, clock_timestamp(), clock_timestamp()
    from jsonb_to_recordset(${jsonb(rows)})
      as new(finding_id text, version text, operation_id uuid, event_id uuid)
    where (select count(*) from (
      select from syncproof.replaced_versions where project_id = ${projectId} limit ${WAITING_MAX}) as waiting
    ) < ${WAITING_MAX}
    order by finding_id
    on conflict do nothing`.execute(tx)
}

/** Finding ids of the versions that are due, the longest first. */
export async function dueVersions(db: Database, projectId: string): Promise<readonly string[]> {
  const { rows } = await sql<{ finding_id: string }>`
    select finding_id from syncproof.replaced_versions
    where project_id = ${projectId} and next_look_at <= clock_timestamp()
    order by next_look_at limit ${LOOKS_MAX}`.execute(db)
  return rows.map((row) => row.finding_id)
}

/** Locked until the transaction ends; undefined where another one has it, or it is no longer due. */
export async function takeVersion(
  tx: Tx,
  projectId: string,
  id: string,
): Promise<ReplacedVersion | undefined> {
  const { rows } = await sql<ReplacedVersion>`
    select finding_id as "findingId", version, operation_id as "operationId", event_id as "eventId",
      extract(epoch from noticed_at)::double precision * 1000 as "noticedMs",
      extract(epoch from clock_timestamp())::double precision * 1000 as "nowMs",
      extract(epoch from whole_at)::double precision * 1000 as "wholeMs", found_at is not null as "isFound"
    from syncproof.replaced_versions
    where project_id = ${projectId} and finding_id = ${id} and next_look_at <= clock_timestamp()
    for update skip locked`.execute(tx)
  return rows[0]
}

export async function forgetVersion(
  tx: Tx,
  projectId: string,
  { findingId }: ReplacedVersion,
): Promise<void> {
  await sql`
    delete from syncproof.replaced_versions
    where project_id = ${projectId} and finding_id = ${findingId}`.execute(tx)
}

/** What a look changes; what is left out stays as it is. */
export interface LookedVersion {
  readonly aims?: Readonly<Record<string, number>>
  /** It is known now that all is stored; false: what is to be stored is found out anew. */
  readonly isWhole?: boolean
  readonly isFound?: true
}

/** The older it is, the longer it waits for the next look. */
export async function keepVersion(
  tx: Tx,
  projectId: string,
  { findingId }: ReplacedVersion,
  { aims, isWhole, isFound }: LookedVersion,
): Promise<void> {
  await sql`
    update syncproof.replaced_versions set
      aims = coalesce(${aims === undefined ? null : jsonb(aims)}, aims),
      whole_at = case ${isWhole ?? null}::boolean when true then clock_timestamp() when false then null
        else whole_at end,
      found_at = case when ${isFound ?? false} then clock_timestamp() else found_at end,
      next_look_at = clock_timestamp() + case when ${isFound ?? false} or ${isWhole ?? false}
        then '0.1 seconds'::interval else greatest('0.5 seconds', (clock_timestamp() - noticed_at) / 16) end
    where project_id = ${projectId} and finding_id = ${findingId}`.execute(tx)
}
