import { sql } from 'kysely'
import type { Database } from './database.ts'
import { jsonb } from './sql-text.ts'
import type { StagedRecord } from './store.ts'

/** See `ReportStore.stage`. What an earlier try of the same run staged is removed first. */
export async function stageRecords(
  db: Database,
  stageId: string,
  batches: AsyncIterable<readonly StagedRecord[]>,
): Promise<number> {
  await clearStage(db, stageId)
  let count = 0
  for await (const records of batches) count += await stageBatch(db, stageId, records)
  await sql`insert into syncproof.stages (stage_id, records) values (${stageId}, ${count})`.execute(db)
  return count
}

/** Adds a batch. A key that a listing names twice is staged once, as it was read last.
 *  @returns how many keys are new */
async function stageBatch(db: Database, stageId: string, records: readonly StagedRecord[]): Promise<number> {
  const byKey = new Map(records.map((record) => [record.key, record]))
  const { rows } = await sql<{ created: string }>`
    with staged as (
      insert into syncproof.staged_records (stage_id, key, fields)
      select ${stageId}, key, fields from jsonb_to_recordset(${jsonb([...byKey.values()])}) as r(key text, fields jsonb)
      on conflict (stage_id, key) do update set fields = excluded.fields
      returning (xmax = 0) as created)
    select count(*) filter (where created) as created from staged`.execute(db)
  return Number(rows[0]?.created ?? 0)
}

/** See `ReportStore.staged`. Each batch is a statement of its own: no transaction stays open between them.
 *  @throws Error where fewer records are there than were staged: the server has crashed since */
export async function* stagedRecords(
  db: Database,
  stageId: string,
  batchSize: number,
): AsyncGenerator<readonly StagedRecord[]> {
  let count = 0
  let after: string | null = null
  for (;;) {
    const { rows }: { rows: StagedRecord[] } = await sql<StagedRecord>`
      select key, fields from syncproof.staged_records
      where stage_id = ${stageId} and (${after}::text is null or key > ${after}::text collate "C")
      order by key collate "C"
      limit ${batchSize}`.execute(db)
    const last = rows.at(-1)
    if (!last) break
    yield rows
    count += rows.length
    after = last.key
  }
  await assertWhole(db, stageId, count)
}

async function assertWhole(db: Database, stageId: string, count: number): Promise<void> {
  const { rows } = await sql<{ records: string }>`
    select records from syncproof.stages where stage_id = ${stageId}`.execute(db)
  const staged = rows[0] && Number(rows[0].records)
  if (staged !== count)
    throw new Error(`Of ${staged ?? 'no'} staged records ${count} are left: stage them again`)
}

/** See `ReportStore.clearStage`. */
export async function clearStage(db: Database, stageId: string): Promise<void> {
  await sql`delete from syncproof.stages where stage_id = ${stageId}`.execute(db)
  await sql`delete from syncproof.staged_records where stage_id = ${stageId}`.execute(db)
}
