import type { StoredEvent } from '@syncproof/core/contract'
import { detectionRules, detectOperation, settled } from '@syncproof/core/detection'
import type { NeighbourRow, OperationHistoryRow } from '@syncproof/store'
import { type Search, searchAll } from './search.ts'
import { BLOCK, STEP, type StoredOperation, type Traffic } from './traffic.ts'

/** One step of the store. Times are of the processor, user and system, over all threads of the process, so that what
 *  collects garbage beside counts too; in microseconds for each operation of the step. */
export interface Round {
  readonly judgeUs: number
  /** `JSON.parse` of the rows of all operations that the step shows, each once, as the store does it. */
  readonly decodeUs: number
  /** One walk over the events of the step's own operations that reads the kind of each. */
  readonly floorUs: number
  readonly findings: number
  /** Operations without a finding. */
  readonly clean: number
  readonly events: number
  readonly neighbours: number
}

/** What a step shows: the operations of the step before it, of which neighbours come, and its own. */
type Shown = readonly StoredOperation[]

/** Plays one step of some traffic. */
export type Player = (step: number) => Round

export function playerOf(traffic: Traffic): Player {
  const shownAt = window(traffic)
  // links join what lies alike in every block, so they are looked up once; the store's own work is not measured here
  const searches = [0, 1].map((step) => searchesOf(shownAt(step)))
  return (step) => play(shownAt(step), searches[step % 2] ?? [])
}

/** Throws where links no longer join the same places as in the first steps. */
export function checkSearches(traffic: Traffic, step: number): void {
  const shownAt = window(traffic)
  const same = JSON.stringify(searchesOf(shownAt(step))) === JSON.stringify(searchesOf(shownAt(step % 2)))
  if (!same) throw new Error(`other operations are neighbours in step ${step} than in the first ones`)
}

/** The first step has a block before it. */
function window(traffic: Traffic): (step: number) => Shown {
  let block = -1
  let [previous, own]: [Shown, Shown] = [[], []]
  return (step) => {
    const next = Math.floor((step * STEP) / BLOCK) + 1
    if (next !== block) [previous, own] = [next === block + 1 ? own : traffic(next - 1), traffic(next)]
    block = next
    const from = BLOCK + ((step * STEP) % BLOCK)
    return [...previous, ...own].slice(from - STEP, from + STEP)
  }
}

function searchesOf(shown: Shown): readonly Search[] {
  return searchAll(shown.map((operation) => decode(operation))).slice(STEP)
}

function play(shown: Shown, searches: readonly Search[]): Round {
  const needed = new Set(searches.flatMap(({ asked }) => asked.map(({ place }) => place)))
  for (const { neighbours } of searches) for (const place of neighbours) needed.add(place)
  const start = cpuUs()
  const rows = shown.map((operation, place) => (needed.has(place) ? decode(operation) : undefined))
  const families = shown.map(({ family, process }) => (family === '' ? [] : parse(family, process.id)))
  const decoded = cpuUs()
  link(rows, searches)
  const linked = cpuUs()
  const histories = searches.map((search, index) => historyOf(search, rows, STEP + index, families))
  const told = cpuUs()
  const counts = judge(histories)
  const judged = cpuUs()
  const events = walk(histories)
  const walked = cpuUs()
  return {
    judgeUs: (linked - decoded + judged - told) / searches.length,
    decodeUs: (decoded - start) / searches.length,
    floorUs: (walked - judged) / searches.length,
    ...{ ...counts, events },
    neighbours: searches.reduce((sum, search) => sum + search.neighbours.length, 0),
  }
}

function cpuUs(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

type Rows = readonly (NeighbourRow | undefined)[]

/** What the store asks for before anything is judged: the links under which the events of a step are found, which of them
 *  cannot all be true, and the links by which each search goes on. */
function link(rows: Rows, searches: readonly Search[]): void {
  for (const row of rows.slice(STEP)) {
    for (const event of row?.events ?? []) {
      detectionRules.linksOf(event)
      detectionRules.madeVersion(event)
    }
    detectionRules.contradictionsWithin(row?.events ?? [])
  }
  for (const { asked } of searches)
    for (const { place, hop } of asked) {
      const row = rows[place]
      if (row) detectionRules.linksWanted(row, hop)
    }
}

/** As the store puts it together. */
function historyOf(
  { neighbours }: Search,
  rows: Rows,
  own: number,
  families: readonly (readonly StoredEvent[])[],
): OperationHistoryRow {
  const row = rows[own]
  if (!row) throw new Error('an operation that was not decoded')
  return {
    ...row,
    processEnd: undefined,
    holed: false,
    family: families[own] ?? [],
    neighbours: neighbours.flatMap((place) => rows[place] ?? []),
  }
}

/** As the reconciler does, up to what it writes. */
function judge(histories: readonly OperationHistoryRow[]): Pick<Round, 'findings' | 'clean'> {
  let [sightings, clean] = [0, 0]
  for (const history of histories) {
    const { findings, failures } = detectOperation(history)
    if (failures[0]) throw failures[0].error
    settled(history, [], findings)
    sightings += findings.length
    if (findings.length === 0) clean += 1
  }
  return { findings: sightings, clean }
}

function walk(histories: readonly OperationHistoryRow[]): number {
  const kinds: Record<string, number> = {}
  for (const { events } of histories) for (const { kind } of events) kinds[kind] = (kinds[kind] ?? 0) + 1
  return Object.values(kinds).reduce((sum, count) => sum + count, 0)
}

function decode({ id, process, events }: StoredOperation): NeighbourRow {
  return { operationId: id, process, events: parse(events, process.id), complete: true }
}

/** As `parseEvents` of the store. */
function parse(events: string, processId: string): readonly StoredEvent[] {
  return (JSON.parse(events) as Omit<StoredEvent, 'process_id'>[]).map(
    (payload) => ({ ...payload, process_id: processId }) as StoredEvent,
  )
}
