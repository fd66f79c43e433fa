import { sql } from 'kysely'
import type { Database, Tx } from './database.ts'
import type { Checkpoint, ClaimedSegment, Side, StagedRecord } from './segment-store.ts'
import { isOurs } from './segments.ts'
import { jsonb } from './sql-text.ts'

/** The rows are unlogged, so that a crash of the server loses them; how many there must be is not. */
export function stageId({ reportId, number }: ClaimedSegment, side: Side): string {
  return `${reportId}/${number}/${side}`
}

/** See `SegmentStore.stage`. */
export async function stageRecords(
  db: Database,
  claimed: ClaimedSegment,
  side: Side,
  records: readonly StagedRecord[],
  checkpoint: Checkpoint,
): Promise<boolean> {
  return db.transaction().execute(async (tx) => {
    if (!(await hold(tx, claimed, checkpoint))) return false
    const id = stageId(claimed, side)
    const byKey = new Map(records.map((record) => [record.key, record]))
    await sql`
      with staged as (
        insert into syncproof.staged_records (stage_id, key, fields, deleted)
        select ${id}, key, fields, coalesce(deleted, false)
        from jsonb_to_recordset(${jsonb([...byKey.values()])}) as r(key text, fields jsonb, deleted boolean)
        on conflict (stage_id, key) do update set fields = excluded.fields, deleted = excluded.deleted
        returning (xmax = 0) as created)
      insert into syncproof.stages (stage_id, records) select ${id}, count(*) filter (where created) from staged
      on conflict (stage_id) do update set records = stages.records + excluded.records`.execute(tx)
    return true
  })
}

/** See `SegmentStore.unstage`. */
export async function unstage(db: Database, claimed: ClaimedSegment, side: Side): Promise<boolean> {
  return db.transaction().execute(async (tx) => {
    if (!(await hold(tx, claimed, undefined))) return false
    await clearStage(tx, stageId(claimed, side))
    return true
  })
}

/** Holds the segment's row until commit: a worker that has lost it writes nothing any more. */
async function hold(tx: Tx, claimed: ClaimedSegment, checkpoint: Checkpoint | undefined): Promise<boolean> {
  const result = await sql`
    update syncproof.report_segments
    set heartbeat_at = clock_timestamp(), checkpoint = coalesce(${checkpoint ? jsonb(checkpoint) : null}, checkpoint)
    where ${isOurs(claimed)}`.execute(tx)
  return result.numAffectedRows === 1n
}

/** See `SegmentStore.stagedKeys`. */
export async function stagedKeys(
  db: Database,
  claimed: ClaimedSegment,
  side: Side,
): Promise<number | undefined> {
  const id = stageId(claimed, side)
  const { rows } = await sql<{ kept: string; said: string | null }>`
    select (select count(*) from syncproof.staged_records where stage_id = ${id}) as kept,
      (select records from syncproof.stages where stage_id = ${id}) as said`.execute(db)
  const [row] = rows
  return Number(row?.kept) === Number(row?.said ?? 0) ? Number(row?.kept) : undefined
}

/** See `SegmentStore.staged`. Each batch is a statement of its own: no transaction stays open between them. */
export async function* stagedRecords(
  db: Database,
  claimed: ClaimedSegment,
  side: Side,
  batchSize: number,
): AsyncGenerator<readonly StagedRecord[]> {
  const id = stageId(claimed, side)
  let count = 0
  let after: string | null = null
  for (;;) {
    const { rows }: { rows: (Omit<StagedRecord, 'deleted'> & { deleted: boolean })[] } = await sql<
      Omit<StagedRecord, 'deleted'> & { deleted: boolean }
    >`
      select key, fields, deleted from syncproof.staged_records
      where stage_id = ${id} and (${after}::text is null or key > ${after}::text collate "C")
      order by key collate "C"
      limit ${batchSize}`.execute(db)
    const last = rows.at(-1)
    if (!last) break
    yield rows.map(({ key, fields, deleted }) => (deleted ? { key, fields, deleted } : { key, fields }))
    count += rows.length
    after = last.key
  }
  await assertWhole(db, id, count)
}

async function assertWhole(db: Database, id: string, count: number): Promise<void> {
  const { rows } = await sql<{ records: string }>`
    select records from syncproof.stages where stage_id = ${id}`.execute(db)
  const staged = rows[0] && Number(rows[0].records)
  if ((staged ?? 0) !== count)
    throw new Error(`Of ${staged ?? 'no'} staged records ${count} are left: stage them again`)
}

/** Removes what is staged under an id. */
export async function clearStage(tx: Database | Tx, id: string): Promise<void> {
  await sql`delete from syncproof.stages where stage_id = ${id}`.execute(tx)
  await sql`delete from syncproof.staged_records where stage_id = ${id}`.execute(tx)
}
