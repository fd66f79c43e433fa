import { uuidV7TimeMs } from '@syncproof/core/contract'
import { sql } from 'kysely'
import type { Tx } from './database.ts'
import { loadEvents } from './operation-histories.ts'
import { firstIdAt } from './sql-text.ts'
import type { DetectionRules, NeighbourRow, OperationHistoryRow } from './store.ts'

/** What one of the operations that are judged has found so far. */
interface Search {
  readonly own: string
  readonly found: Set<string>
  /** Found at the last hop: the next one goes on from there. */
  edge: readonly string[]
}

interface Wanted {
  readonly search: number
  readonly link: string
  /** Ids of events: those of the operation that wants it, and how far away others may be. */
  readonly low: string
  readonly first: string
  readonly high: string
}

/** The neighbours of each operation by links, hop by hop, for all of them in one query a hop.
 *  @returns by operation id */
export async function loadNeighbours(
  tx: Tx,
  projectId: string,
  operations: readonly Omit<OperationHistoryRow, 'neighbours'>[],
  rules: DetectionRules,
): Promise<ReadonlyMap<string, readonly NeighbourRow[]>> {
  const known = new Map<string, NeighbourRow>(operations.map((row) => [row.operationId, row]))
  const searches = operations.map(
    (row): Search => ({ own: row.operationId, found: new Set(), edge: [row.operationId] }),
  )
  for (let hop = 1; hop <= rules.limits.hopsMax; hop++) {
    const wanted = searches.flatMap((search, index) => wantedBy(search, index, known, hop, rules))
    if (wanted.length === 0) break
    const rows = await lookUp(tx, projectId, wanted, rules)
    for (const [index, search] of searches.entries()) advance(search, rows.get(index) ?? [], rules)
    const missing = new Set(searches.flatMap(({ edge }) => edge.filter((id) => !known.has(id))))
    for (const row of await loadEvents(tx, projectId, [...missing])) known.set(row.operationId, row)
  }
  return new Map(
    searches.map(({ own, found }) => [
      own,
      [...found].flatMap((operationId) => known.get(operationId) ?? []),
    ]),
  )
}

function wantedBy(
  { edge, found }: Search,
  search: number,
  known: ReadonlyMap<string, NeighbourRow>,
  hop: number,
  { linksWanted, limits }: DetectionRules,
): readonly Wanted[] {
  // no more are taken, so nobody asks what lies beyond them
  if (found.size >= limits.neighboursMax) return []
  return edge.flatMap((id) => {
    const row = known.get(id)
    const ids = row?.events.map((event) => event.id).sort() ?? []
    const [first = '', last = ''] = [ids[0], ids.at(-1)]
    const [firstMs, lastMs] = [uuidV7TimeMs(first), uuidV7TimeMs(last)]
    if (!row || firstMs === undefined || lastMs === undefined) return []
    const low = firstIdAt(firstMs - limits.linkWindowMs)
    const high = firstIdAt(lastMs + limits.linkWindowMs)
    return linksWanted(row, hop).map((link) => ({ search, link, low, first, high }))
  })
}

/** Those nearest in time, before and after: a link that a million events share costs what one costs that two share. */
async function lookUp(
  tx: Tx,
  projectId: string,
  wanted: readonly Wanted[],
  { limits }: DetectionRules,
): Promise<ReadonlyMap<number, readonly string[]>> {
  const column = (member: keyof Wanted) => wanted.map((each) => each[member])
  // of all, as two constants: else the plan is made over every partition
  const low = column('low').sort().at(0)
  const high = column('high').sort().at(-1)
  const { rows } = await sql<{ search: number; operation_id: string }>`
    select distinct search, operation_id
    from unnest(${column('search')}::integer[], ${column('link')}::text[], ${column('low')}::uuid[],
      ${column('first')}::uuid[], ${column('high')}::uuid[]) as wanted(search, link, low, first, high)
    cross join lateral (
      (select operation_id from syncproof.event_links
        where project_id = ${projectId} and link_hash = syncproof.link_hash(wanted.link)
          and event_id >= wanted.first and event_id < wanted.high
          and event_id >= ${low} and event_id < ${high}
        order by event_id limit ${limits.eventsPerLinkMax})
      union all
      (select operation_id from syncproof.event_links
        where project_id = ${projectId} and link_hash = syncproof.link_hash(wanted.link)
          and event_id < wanted.first and event_id >= wanted.low
          and event_id >= ${low} and event_id < ${high}
        order by event_id desc limit ${limits.eventsPerLinkMax})) as found
    order by search, operation_id`.execute(tx)
  const bySearch = Map.groupBy(rows, ({ search }) => search)
  return new Map([...bySearch].map(([search, found]) => [search, found.map((row) => row.operation_id)]))
}

function advance(search: Search, operationIds: readonly string[], { limits }: DetectionRules): void {
  const fresh = operationIds.filter((id) => id !== search.own && !search.found.has(id))
  search.edge = fresh.slice(0, limits.neighboursMax - search.found.size)
  for (const id of search.edge) search.found.add(id)
}
