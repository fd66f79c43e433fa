import { sql } from 'kysely'
import type { Tx } from './database.ts'
import type { MakerLook } from './maker-store.ts'
import type { ReplacedVersion } from './replaced-versions.ts'
import { firstIdAt } from './sql-text.ts'

/** Processes that may have made one version; of more, nobody says that none of them did. */
const PROCESSES_MAX = 1_000

/** What is known of the processes that may have made a version.
 *
 *  `never`: something of one of them is lost for good. `whole`: all is stored that they must have told, `not yet`: not all.
 *  `aims`: how many events that is, of those that were heard of since. */
export type Wholeness =
  | { readonly is: 'never' }
  | { readonly is: 'not yet' | 'whole'; readonly aims: Aims; readonly processes: readonly LivedProcess[] }

type Aims = Readonly<Record<string, number>>

interface LivedProcess {
  readonly id: string
  /** The collector's clock minus its own is no less; undefined where it has said nothing of its clock. */
  readonly offsetMsMin: number | undefined
}

/** Every process that lived between the beginning of the operation and now. One that says how many events it has produced
 *  after the grace had produced all that tell of what was done before; one that has ended says its last number.
 *
 *  Reads all processes of the project: one look does, and no step that judges. */
export async function wholenessOf(
  tx: Tx,
  projectId: string,
  version: ReplacedVersion,
  sinceMs: number,
  { graceMs, silentMsMax }: MakerLook,
): Promise<Wholeness> {
  const { rows } = await sql<{
    process_id: string
    is_lost: boolean
    is_whole: boolean
    aim: string | null
    offset_min: number | null
  }>`
    with replaced as (
      select aims, noticed_at from syncproof.replaced_versions
      where project_id = ${projectId} and finding_id = ${version.findingId}),
    lived as (
      select process_id, seen, inconsistent, erased_received_at, dropped, (clock->'offset_ms'->>0)::double precision as offset_min,
        (end_event->>'last_seq')::bigint + 1 as ended,
        coalesce((aims->>process_id::text)::bigint, case
          -- one that keeps no books never says that nothing is missing
          when not syncproof.is_made_of_spans(process_id) and produced >= coalesce(upper(seen), 0)
            and last_seen_at >= noticed_at + make_interval(secs => ${graceMs / 1_000}) then produced end) as aim
      from syncproof.processes, replaced
      where project_id = ${projectId} and last_seen_at >= to_timestamp(${(sinceMs - silentMsMax) / 1_000})
      limit ${PROCESSES_MAX + 1})
    select process_id, aim, offset_min,
      inconsistent > 0 or erased_received_at >= to_timestamp(${(sinceMs - silentMsMax) / 1_000})
        or exists (select from jsonb_each_text(dropped) where value <> '0') as is_lost,
      ended is not null and seen @> int8range(0, ended) or aim is not null and seen @> int8range(0, aim) as is_whole
    from lived`.execute(tx)
  if (rows.length > PROCESSES_MAX || rows.some((row) => row.is_lost)) return { is: 'never' }
  const aims = rows.flatMap((row) => (row.aim === null ? [] : [[row.process_id, Number(row.aim)] as const]))
  return {
    is: rows.every((row) => row.is_whole) ? 'whole' : 'not yet',
    aims: Object.fromEntries(aims),
    processes: rows.map((row) => ({ id: row.process_id, offsetMsMin: row.offset_min ?? undefined })),
  }
}

/** Whether everything that was received up to then has been judged, in every lane. */
export async function isJudged(tx: Tx, receivedMs: number): Promise<boolean> {
  const { rows } = await sql<{ judged: boolean }>`
    select not exists (
      select from syncproof.detection_cursors as cursor
      cross join lateral syncproof.next_events(cursor.lane, cursor.position, 1) as next
      where next.received_at <= to_timestamp(${receivedMs / 1_000})) as judged`.execute(tx)
  return rows[0]?.judged === true
}

/** A process that has said nothing of its clock may be ahead by this much. */
const CLOCK_UNKNOWN_MS = 60_000

/** Whether one of these processes has an operation that may have begun before then and has not ended: what it wrote may
 *  be reported when it ends. */
export async function hasOpenOperation(
  tx: Tx,
  projectId: string,
  processes: readonly LivedProcess[],
  beforeMs: number,
): Promise<boolean> {
  const { rows } = await sql<{ open: boolean }>`
    select exists (
      select
      from unnest(${processes.map(({ id }) => id)}::uuid[],
        ${processes.map(({ offsetMsMin = -CLOCK_UNKNOWN_MS }) => firstIdAt(beforeMs - offsetMsMin))}::uuid[])
        as lived(process_id, before)
      join syncproof.operations as operation using (process_id)
      where operation.project_id = ${projectId} and operation.finished_at is null
        and operation.first_event_id < lived.before) as open`.execute(tx)
  return rows[0]?.open === true
}
