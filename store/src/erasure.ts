import type { EntityRef } from '@syncproof/core/contract'
import { sql } from 'kysely'
import type { Database } from './database.ts'
import {
  type ErasedEvents,
  type Erasing,
  eraseNextEvents,
  eraseNextOperations,
  eventsSince,
} from './erase-events.ts'
import { countFindings, endOfFindings, eraseCalls, eraseFindings } from './erase-findings.ts'
import { countDivergences, eraseFromReports, restartReports } from './erase-reports.ts'
import { committed } from './expire-pass.ts'
import { isEntity } from './sql-text.ts'
import type { Erasure, ErasureCounts, ErasureStore } from './store.ts'

export function erasureStore(db: Database): ErasureStore {
  return {
    preview: (projectId, entity) => preview(db, projectId, entity),
    erase: (projectId, entity, options) => erase(db, projectId, entity, options),
  }
}

const NOTHING: ErasureCounts = {
  events: 0,
  operations: 0,
  findings: 0,
  findings_about_others: 0,
  hazards: 0,
  divergences: 0,
}

/** In this order, so that nothing is derived anew from what is removed later:
 *
 *      events and operations ── who judges reads them no more; what it had found by then is stored
 *      running reports       ── who compares holds what it read of them: begins anew, and stores nothing of before
 *      findings, reports     ── all that was said of it
 *
 *  Each step finds what is left to do by itself, so that the next call goes on after a kill at any point. */
async function erase(
  db: Database,
  projectId: string,
  entity: EntityRef,
  { signal, rules }: Parameters<ErasureStore['erase']>[2],
): Promise<Erasure> {
  const erasing: Erasing = { projectId, entity, rules, startedAt: await databaseTime(db) }
  let removed = NOTHING
  const add = (more: Partial<ErasureCounts>) => {
    removed = sum(removed, more)
  }
  const isWhole =
    (await untilNothingIsLeft(db, signal, add, (tx) => eraseNextEvents(tx, erasing))) &&
    (await untilNothingIsLeft(db, signal, add, (tx) => eraseNextOperations(tx, erasing)))
  if (!isWhole) return { done: false, removed, events_since: 0 }
  await committed(db, (tx) => restartReports(tx, projectId, entity))
  if (!(await eraseAllFindings(db, projectId, entity, signal, add)))
    return { done: false, removed, events_since: 0 }
  await committed(db, (tx) => eraseCalls(tx, projectId, entity))
  add({ divergences: await committed(db, (tx) => eraseFromReports(tx, projectId, entity)) })
  const since = await eventsSince(db, erasing)
  return { done: since === 0, removed, events_since: since }
}

type Add = (more: Partial<ErasureCounts>) => void

/** @returns whether nothing is left; false where it was stopped */
async function untilNothingIsLeft(
  db: Database,
  signal: AbortSignal,
  add: Add,
  next: (tx: Parameters<Parameters<typeof committed>[1]>[0]) => Promise<ErasedEvents>,
): Promise<boolean> {
  while (!signal.aborted) {
    const erased = await committed(db, next)
    add({ ...erased })
    if (erased.events === 0 && erased.operations === 0) return true
  }
  return false
}

async function eraseAllFindings(
  db: Database,
  projectId: string,
  entity: EntityRef,
  signal: AbortSignal,
  add: Add,
): Promise<boolean> {
  for (let from: string | undefined = ''; from !== undefined; ) {
    if (signal.aborted) return false
    const [after, until]: [string, string | undefined] = [from, await endOfFindings(db, projectId, from)]
    add({ ...(await committed(db, (tx) => eraseFindings(tx, projectId, entity, after, until))) })
    from = until
  }
  return true
}

function sum(a: ErasureCounts, b: Partial<ErasureCounts>): ErasureCounts {
  return {
    events: a.events + (b.events ?? 0),
    operations: a.operations + (b.operations ?? 0),
    findings: a.findings + (b.findings ?? 0),
    findings_about_others: a.findings_about_others + (b.findings_about_others ?? 0),
    hazards: a.hazards + (b.hazards ?? 0),
    divergences: a.divergences + (b.divergences ?? 0),
  }
}

async function databaseTime(db: Database): Promise<string> {
  const { rows } = await sql<{ now: string }>`select clock_timestamp()::text as now`.execute(db)
  return rows[0]?.now ?? ''
}

async function preview(db: Database, projectId: string, entity: EntityRef): Promise<ErasureCounts> {
  const { rows } = await sql<{ events: string; operations: string }>`
    with own as (
      select operation_id from syncproof.operations where project_id = ${projectId} and ${isEntity(entity)}
      union
      select operation_id from syncproof.events
      where project_id = ${projectId} and ${isEntity(entity)} and kind = 'operation_started')
    select (select count(*) from own) as operations,
      (select count(*) from syncproof.events where project_id = ${projectId} and ${isEntity(entity)})
      + (select count(*) from syncproof.events
        where project_id = ${projectId} and operation_id in (select operation_id from own) and entity_hash is null)
      as events`.execute(db)
  return sum(NOTHING, {
    events: Number(rows[0]?.events ?? 0),
    operations: Number(rows[0]?.operations ?? 0),
    ...(await countFindings(db, projectId, entity)),
    divergences: await countDivergences(db, projectId, entity),
  })
}
