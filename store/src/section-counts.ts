import { createHash } from 'node:crypto'
import type { Finding, Protection, StoredEvent } from '@syncproof/core/contract'
import { sql } from 'kysely'
import type { Tx } from './database.ts'
import { jsonb } from './sql-text.ts'
import type { DetectionBatch } from './store.ts'

/** What a step judged of one project. */
interface Judged {
  readonly batch: DetectionBatch
  /** Findings that were not stored before. */
  readonly created: readonly Finding[]
}

type SectionEvent = Extract<StoredEvent, { readonly kind: 'section_entered' | 'section_left' }>

/** What a section's row counts; each a column. */
type Count = 'held' | 'not_held' | 'unknown' | 'foreign_version' | 'overlap' | 'holds_nothing' | 'undecided'

/** One run of a section, or one finding about it. */
interface Sighting {
  readonly project_id: string
  readonly name: string
  readonly service: string
  readonly release: string | null
  readonly protection?: Protection
  readonly counts: Count
}

/** Adds the runs of sections that the events of a step tell, and the void locks that it found. Call it last in the step:
 *  whoever holds rows of sections then waits for no other lock, and holds them only for the commit.
 *  @param position the lane's cursor before the step */
export async function countSections(tx: Tx, position: string, judged: readonly Judged[]): Promise<void> {
  const sightings: Sighting[] = []
  for (const each of judged) sightings.push(...(await newRuns(tx, position, each.batch)), ...voidLocks(each))
  if (sightings.length > 0) await addSightings(tx, sightings)
}

/** A run is told by two events, either of which may come alone, late or in an earlier step: the one that is judged first
 *  counts. Of several events under one sequence number the first one counts, too. */
async function newRuns(tx: Tx, position: string, batch: DetectionBatch): Promise<readonly Sighting[]> {
  const told = new Map<string, SectionEvent>()
  for (const event of batch.events) {
    if (isSection(event) && !told.has(runOf(event))) told.set(runOf(event), event)
  }
  if (told.size === 0) return []
  for (const run of await runsJudgedBefore(tx, position, batch, told)) told.delete(run)
  const processes = new Map(batch.operations.map(({ process }) => [process.id, process]))
  return [...told.values()].map((event) => {
    const process = processes.get(event.process_id)
    return {
      project_id: batch.projectId,
      name: event.name,
      service: process?.service ?? '',
      release: process?.release ?? null,
      protection: event.protection,
      counts: event.locked === undefined ? 'unknown' : event.locked ? 'held' : 'not_held',
    }
  })
}

async function runsJudgedBefore(
  tx: Tx,
  position: string,
  batch: DetectionBatch,
  told: ReadonlyMap<string, SectionEvent>,
): Promise<readonly string[]> {
  const isNew = new Set(batch.events.map(({ id }) => id))
  const others = new Map<string, string>()
  for (const event of batch.operations.flatMap(({ events }) => events)) {
    if (isSection(event) && !isNew.has(event.id) && told.has(runOf(event))) others.set(event.id, runOf(event))
  }
  if (others.size === 0) return []
  const { rows } = await sql<{ id: string }>`
    select id from syncproof.events
    where project_id = ${batch.projectId} and id = any(${[...others.keys()]}::uuid[])
      and position <= ${position}`.execute(tx)
  return rows.flatMap(({ id }) => others.get(id) ?? [])
}

function isSection(event: StoredEvent): event is SectionEvent {
  return event.kind === 'section_entered' || event.kind === 'section_left'
}

/** The end of a run follows its beginning in the sequence. */
function runOf({ kind, process_id, operation_id, seq }: SectionEvent): string {
  return `${process_id} ${operation_id} ${kind === 'section_entered' ? seq : seq - 1}`
}

const WAYS: Readonly<Record<string, Count>> = {
  'foreign-version': 'foreign_version',
  overlap: 'overlap',
  'holds-nothing': 'holds_nothing',
}

function voidLocks({ batch, created }: Judged): readonly Sighting[] {
  return created.flatMap(({ kind, verdict, cause, details }): Sighting[] => {
    const way = WAYS[String(details.how)]
    const name = details.section
    if (kind !== 'lock-void' || way === undefined || typeof name !== 'string') return []
    return [
      {
        project_id: batch.projectId,
        name,
        service: cause.service ?? '',
        release: cause.release ?? null,
        counts: verdict === 'proven' ? way : 'undecided',
      },
    ]
  })
}

function addSightings(tx: Tx, sightings: readonly Sighting[]): Promise<void> {
  const groups = Map.groupBy(sightings, (sighting) => `${sighting.project_id} ${idOf(sighting)}`)
  return save(tx, [...groups.values()].flatMap(toRow))
}

/** The counts of one section's sightings. */
function toRow(sightings: readonly Sighting[]): readonly object[] {
  const [first] = sightings
  if (!first) return []
  const { project_id, name, service, release } = first
  const counts = Map.groupBy(sightings, ({ counts }) => counts)
  const protections = new Set(sightings.flatMap(({ protection }) => protection ?? []))
  return [
    {
      ...{ project_id, id: idOf(first), name, service, release, protections: [...protections] },
      ...Object.fromEntries([...counts].map(([count, of]) => [count, of.length])),
    },
  ]
}

function idOf({ name, service, release }: Sighting): string {
  return createHash('sha256')
    .update(JSON.stringify([name, service, release]))
    .digest('base64url')
}

/** In the order of the keys: lanes that share a section wait for each other instead of deadlocking. */
async function save(tx: Tx, rows: readonly object[]): Promise<void> {
  await sql`
    insert into syncproof.sections as known (project_id, id, name, service, release, protections, held, not_held,
      unknown, foreign_version, overlap, holds_nothing, undecided, first_seen_at, last_seen_at)
    select project_id, id, name, service, release, protections, coalesce(held, 0), coalesce(not_held, 0),
      coalesce(unknown, 0), coalesce(foreign_version, 0), coalesce(overlap, 0), coalesce(holds_nothing, 0),
      coalesce(undecided, 0), now(), now()
    from jsonb_to_recordset(${jsonb(rows)}) as new(project_id text, id text, name text, service text, release text,
      protections text[], held bigint, not_held bigint, unknown bigint, foreign_version bigint, overlap bigint,
      holds_nothing bigint, undecided bigint)
    order by project_id, id
    on conflict (project_id, id) do update set
      protections = array(select distinct unnest(known.protections || excluded.protections) order by 1),
      held = known.held + excluded.held,
      not_held = known.not_held + excluded.not_held,
      unknown = known.unknown + excluded.unknown,
      foreign_version = known.foreign_version + excluded.foreign_version,
      overlap = known.overlap + excluded.overlap,
      holds_nothing = known.holds_nothing + excluded.holds_nothing,
      undecided = known.undecided + excluded.undecided,
      last_seen_at = greatest(known.last_seen_at, excluded.last_seen_at)`.execute(tx)
}
