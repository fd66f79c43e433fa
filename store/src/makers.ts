import type { Finding } from '@syncproof/core/contract'
import { sql } from 'kysely'
import type { Database, Tx } from './database.ts'
import { hidingEvents } from './hidden-versions.ts'
import { lockFindings } from './locks.ts'
import type { MakerJudge, MakerLook, MakerStore } from './maker-store.ts'
import { loadEvents } from './operation-histories.ts'
import { recordFindings, resolveFindings } from './record-findings.ts'
import {
  dueVersions,
  forgetVersion,
  keepVersion,
  type ReplacedVersion,
  takeVersion,
} from './replaced-versions.ts'
import type { NeighbourRow, StoredWrite, VersionWindow } from './store.ts'
import { hasOpenOperation, isJudged, wholenessOf } from './whole-processes.ts'

export function makerStore(db: Database): MakerStore {
  return {
    due: async (projectId) => (await dueVersions(db, projectId)).length > 0,
    async look(projectId, options, judge) {
      const created: Finding[] = []
      const decided = { made: 0, unobserved: 0, undecided: 0 }
      for (const id of await dueVersions(db, projectId)) {
        const looked = await db.transaction().execute((tx) => lookAt(tx, { projectId, options, judge }, id))
        if (looked === undefined) continue
        if (typeof looked === 'string') decided[looked] += 1
        else {
          decided.unobserved += 1
          created.push(...looked)
        }
      }
      return { created, decided }
    },
  }
}

interface Look {
  readonly projectId: string
  readonly options: MakerLook
  readonly judge: MakerJudge
}

/** One look; see `MakerStore.look` for the states. READ COMMITTED is enough: what was whole and judged stays so, and
 *  what comes later is looked for once more after the finding is there for all to see.
 *  @returns what was decided or found; undefined where it is still open */
async function lookAt(
  tx: Tx,
  look: Look,
  id: string,
): Promise<'made' | 'undecided' | readonly Finding[] | undefined> {
  const { projectId, options } = look
  const version = await takeVersion(tx, projectId, id)
  if (version === undefined) return undefined
  const isMade = await hasMaker(tx, look, version)
  if (isMade || version.isFound) {
    if (isMade && version.isFound) await resolveLate(tx, look, version)
    await forgetVersion(tx, projectId, version)
    return isMade && !version.isFound ? 'made' : undefined
  }
  const replacing = await replacedBy(tx, look, version)
  const isLate = version.nowMs - version.noticedMs > options.waitMsMax
  const looked = replacing === undefined || isLate ? 'undecided' : await decide(tx, look, version, replacing)
  if (looked === 'undecided') await forgetVersion(tx, projectId, version)
  return looked
}

async function hasMaker(
  tx: Tx,
  { projectId, options }: Look,
  { version }: ReplacedVersion,
): Promise<boolean> {
  const { rows } = await sql<{ made: boolean }>`
    select exists (
      select from syncproof.event_links as linked
      cross join lateral (
        select payload from syncproof.events where project_id = ${projectId} and id = linked.event_id
        order by id limit 1) as event
      where linked.project_id = ${projectId}
        and linked.link_hash = syncproof.link_hash(${options.rules.versionLink(version)})
        and event.payload->>'kind' = 'write' and event.payload->>'version' = ${version}) as made`.execute(tx)
  return rows[0]?.made === true
}

async function resolveLate(tx: Tx, { projectId, options }: Look, { findingId }: ReplacedVersion) {
  await lockFindings(tx, projectId)
  await resolveFindings(tx, projectId, [{ id: findingId, resolution: options.resolution }])
}

interface Replacing {
  readonly operation: NeighbourRow
  readonly write: StoredWrite
  readonly window: VersionWindow
}

/** The write that replaced it, and when the version came up; undefined where that is not known, or too wide. */
async function replacedBy(
  tx: Tx,
  { projectId, options }: Look,
  { operationId, eventId }: ReplacedVersion,
): Promise<Replacing | undefined> {
  const [operation] = await loadEvents(tx, projectId, [operationId])
  const write = operation?.events.find((event) => event.id === eventId)
  if (!operation || write?.kind !== 'write') return undefined
  const { rows } = await sql<{ started_ms: number }>`
    select extract(epoch from root.started_at)::double precision * 1000 as started_ms
    from syncproof.operations as own
    join syncproof.operations as root
      on root.project_id = own.project_id and root.operation_id = own.root_operation_id
    where own.project_id = ${projectId} and own.operation_id = ${operationId} and root.started_at is not null`.execute(
    tx,
  )
  const [root] = rows
  const window = root && options.rules.windowOf(operation, write, root.started_ms)
  if (window === undefined || window.untilMs - window.sinceMs > options.waitMsMax) return undefined
  return { operation, write, window }
}

async function decide(
  tx: Tx,
  look: Look,
  version: ReplacedVersion,
  { operation, write, window }: Replacing,
): Promise<'undecided' | readonly Finding[] | undefined> {
  const { projectId, options } = look
  const sinceMs = window.sinceMs - options.clockMarginMs
  const wholeness = await wholenessOf(tx, projectId, version, sinceMs, options)
  if (wholeness.is === 'never') return 'undecided'
  if (wholeness.is === 'not yet' || version.wholeMs === null) {
    await keepVersion(tx, projectId, version, { aims: wholeness.aims, isWhole: wholeness.is === 'whole' })
    return undefined
  }
  if (!(await isJudged(tx, version.wholeMs))) {
    await keepVersion(tx, projectId, version, {})
    return undefined
  }
  if (await hasOpenOperation(tx, projectId, wholeness.processes, version.noticedMs + options.clockMarginMs)) {
    await keepVersion(tx, projectId, version, { isWhole: false, aims: {} })
    return undefined
  }
  const hiding = await hidingEvents(tx, projectId, sinceMs, version.nowMs)
  const { mayHide } = options.rules
  if (!hiding || hiding.some(({ event, process }) => mayHide(event, process, write, window)))
    return 'undecided'
  return record(tx, look, version, operation)
}

async function record(
  tx: Tx,
  { projectId, judge }: Look,
  version: ReplacedVersion,
  operation: NeighbourRow,
): Promise<readonly Finding[]> {
  const unclaimed = new Set([version.version])
  const alone = { family: [], neighbours: [], processEnd: undefined, holed: false }
  const findings = judge({ ...operation, ...alone, unclaimed })
  await lockFindings(tx, projectId)
  const created = await recordFindings(
    tx,
    projectId,
    findings.map((finding) => ({ finding, occurrences: 1 })),
  )
  await keepVersion(tx, projectId, version, { isFound: true })
  return created
}
