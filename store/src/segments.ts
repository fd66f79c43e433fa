import { sql } from 'kysely'
import type { Database } from './database.ts'
import type {
  ClaimedSegment,
  Segment,
  SegmentResult,
  SegmentStore,
  Side,
  StoredSuspect,
} from './segment-store.ts'
import { jsonb, rfc3339 } from './sql-text.ts'
import { clearStage, stagedKeys, stagedRecords, stageId, stageRecords, unstage } from './staging.ts'

const SIDES: readonly Side[] = ['source', 'target']

/** A segment's states: `queued` → `running` (claim) → `done` (finish). One that is given back is `queued` again; a running
 *  one whose worker has gone silent is claimed again, with the next fence. Its rows go when the report ends. */
export function segmentStore(db: Database): SegmentStore {
  return {
    plan: (projectId, reportId, fence, plan) => planSegments(db, projectId, reportId, fence, plan),
    claim: (projectId, reportId, abandonedMs) => claimSegment(db, projectId, reportId, abandonedMs),
    open: (projectId, reportId, abandonedMs) => countOpen(db, projectId, reportId, abandonedMs),
    heartbeat: async (claimed, { source, target }) => {
      const result = await sql`
        update syncproof.report_segments
        set heartbeat_at = clock_timestamp(), source_records = ${source}, target_records = ${target}
        where ${isOurs(claimed)}`.execute(db)
      return result.numAffectedRows === 1n
    },
    release: async (claimed) => {
      await sql`
        update syncproof.report_segments set state = 'queued', heartbeat_at = null
        where ${isOurs(claimed)}`.execute(db)
    },
    finish: (claimed, result) => finishSegment(db, claimed, result),
    results: (projectId, reportId, suspectsMax) => readResults(db, projectId, reportId, suspectsMax),
    unattended: (abandonedMs) => listUnattended(db, abandonedMs),
    stage: (claimed, side, records, checkpoint) => stageRecords(db, claimed, side, records, checkpoint),
    unstage: (claimed, side) => unstage(db, claimed, side),
    stagedKeys: (claimed, side) => stagedKeys(db, claimed, side),
    staged: (claimed, side, batchSize) => stagedRecords(db, claimed, side, batchSize),
  }
}

/** The row of a claimed segment, while its worker is the newest. */
export function isOurs({ projectId, reportId, number, fence }: ClaimedSegment) {
  return sql<boolean>`(project_id = ${projectId} and report_id = ${reportId} and number = ${number}
    and fence = ${fence} and state = 'running')`
}

function isUnattended(abandonedMs: number) {
  return sql<boolean>`(segment.state = 'queued' or (segment.state = 'running'
    and segment.heartbeat_at < clock_timestamp() - make_interval(secs => ${abandonedMs / 1000})))`
}

async function planSegments(
  db: Database,
  projectId: string,
  reportId: string,
  fence: number,
  { ranges, estimatedRecords }: Parameters<SegmentStore['plan']>[3],
): Promise<boolean> {
  return db.transaction().execute(async (tx) => {
    // the row is held: whoever claims the report meanwhile finds either no segment or all of them
    const held = await sql`
      update syncproof.reports set estimated_records = coalesce(estimated_records, ${estimatedRecords})
      where project_id = ${projectId} and id = ${reportId} and fence = ${fence} and state = 'running'`.execute(
      tx,
    )
    if (held.numAffectedRows !== 1n) return false
    await sql`
      insert into syncproof.report_segments (project_id, report_id, number, range)
      select ${projectId}, ${reportId}, n - 1, nullif(range, 'null')
      from jsonb_array_elements(${jsonb(ranges)}) with ordinality as planned(range, n)
      where not exists (
        select from syncproof.report_segments where project_id = ${projectId} and report_id = ${reportId})`.execute(
      tx,
    )
    return true
  })
}

async function claimSegment(
  db: Database,
  projectId: string,
  reportId: string,
  abandonedMs: number,
): ReturnType<SegmentStore['claim']> {
  const { rows } = await sql<Segment & { readonly fence: string }>`
    update syncproof.report_segments
    set state = 'running', fence = fence + 1, heartbeat_at = clock_timestamp()
    where (project_id, report_id, number) = (
      select project_id, report_id, number from syncproof.report_segments as segment
      where project_id = ${projectId} and report_id = ${reportId} and ${isUnattended(abandonedMs)}
      order by number limit 1 for update skip locked)
    returning number, range, checkpoint, fence`.execute(db)
  const [row] = rows
  if (row === undefined) return undefined
  const { fence, ...segment } = row
  return { projectId, reportId, number: segment.number, fence: Number(fence), segment }
}

async function countOpen(
  db: Database,
  projectId: string,
  reportId: string,
  abandonedMs: number,
): ReturnType<SegmentStore['open']> {
  const { rows } = await sql<Record<'planned' | 'unfinished' | 'unattended', string>>`
    select count(*) as planned, count(*) filter (where state <> 'done') as unfinished,
      count(*) filter (where ${isUnattended(abandonedMs)}) as unattended
    from syncproof.report_segments as segment where project_id = ${projectId} and report_id = ${reportId}`.execute(
    db,
  )
  const [row] = rows
  return {
    planned: Number(row?.planned),
    unfinished: Number(row?.unfinished),
    unattended: Number(row?.unattended),
  }
}

async function finishSegment(db: Database, claimed: ClaimedSegment, result: SegmentResult): Promise<boolean> {
  const finished = await storeResult(db, claimed, result)
  // what was staged may be millions of rows, and is no part of the result: nobody waits for a lock meanwhile
  if (finished) for (const side of SIDES) await clearStage(db, stageId(claimed, side))
  return finished
}

async function storeResult(db: Database, claimed: ClaimedSegment, result: SegmentResult): Promise<boolean> {
  const { counts, suspects, overflow, requests, problem } = result
  return db.transaction().execute(async (tx) => {
    const done = await sql`
      update syncproof.report_segments
      set state = 'done', source_records = ${counts.source}, target_records = ${counts.target},
        agreed = ${counts.agreed}, overflow = ${overflow}, requests = requests + ${requests},
        problem = ${problem && jsonb(problem)}, checkpoint = null
      where ${isOurs(claimed)}`.execute(tx)
    if (done.numAffectedRows !== 1n) return false
    await sql`
      insert into syncproof.report_suspects (project_id, report_id, number, key, kind, fields, source_state, seen_at)
      select ${claimed.projectId}, ${claimed.reportId}, ${claimed.number}, key, kind, fields, source_state, seen_at
      from jsonb_to_recordset(${jsonb(suspects)}) as s(key text, kind text, fields jsonb, source_state text,
        seen_at timestamptz)
      on conflict do nothing`.execute(tx)
    return true
  })
}

async function readResults(
  db: Database,
  projectId: string,
  reportId: string,
  suspectsMax: number,
): Promise<SegmentResult> {
  const { rows } = await sql<
    Record<'source' | 'target' | 'agreed' | 'overflow' | 'requests' | 'found', string>
  >`
    select coalesce(sum(source_records), 0)::text as source, coalesce(sum(target_records), 0)::text as target,
      coalesce(sum(agreed), 0)::text as agreed, coalesce(sum(overflow), 0)::text as overflow,
      coalesce(sum(requests), 0)::text as requests,
      (select count(*) from syncproof.report_suspects
        where project_id = ${projectId} and report_id = ${reportId})::text as found
    from syncproof.report_segments where project_id = ${projectId} and report_id = ${reportId}`.execute(db)
  const { rows: suspects } = await sql<StoredSuspect>`
    select key, kind, fields, source_state, ${rfc3339('seen_at')} as seen_at from syncproof.report_suspects
    where project_id = ${projectId} and report_id = ${reportId} order by key limit ${suspectsMax}`.execute(db)
  const { rows: problems } = await sql<{ problem: SegmentResult['problem'] }>`
    select problem from syncproof.report_segments
    where project_id = ${projectId} and report_id = ${reportId} and problem is not null
    order by number limit 1`.execute(db)
  const sums = rows[0]
  return {
    counts: { source: Number(sums?.source), target: Number(sums?.target), agreed: Number(sums?.agreed) },
    suspects,
    overflow: Number(sums?.overflow) + Number(sums?.found) - suspects.length,
    requests: Number(sums?.requests),
    problem: problems[0]?.problem ?? null,
  }
}

async function listUnattended(db: Database, abandonedMs: number): ReturnType<SegmentStore['unattended']> {
  const { rows } = await sql<{ projectId: string; reportId: string; segments: string }>`
    select segment.project_id as "projectId", segment.report_id as "reportId", count(*) as segments
    from syncproof.report_segments as segment
    join syncproof.reports as report on report.project_id = segment.project_id and report.id = segment.report_id
    where report.state = 'running' and ${isUnattended(abandonedMs)}
    group by 1, 2`.execute(db)
  return rows.map((row) => ({ ...row, segments: Number(row.segments) }))
}
