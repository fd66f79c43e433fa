import type { DetectedFinding, StoredEvent } from '../../contract/index.ts'
import { pairId } from './simulated-truth.ts'
import type { Simulation } from './simulator.ts'

/** What was found against what happened, in one spelling: `verdict kind what fields`. */
export interface WrongVerdict {
  /** `false`: claimed, and it did not happen, or not so surely. `miss`: it happened, its events are all here, and it
   *  was not claimed. */
  readonly how: 'false' | 'miss'
  readonly claim: string
}

/** What a simulation makes of the detectors' claims. */
export interface Expected {
  /** Must be claimed where every event has arrived. */
  readonly must: ReadonlySet<string>
  /** Is true; whether events can tell depends. */
  readonly may: ReadonlySet<string>
}

/** The claims that the truth of this simulation bears out. */
export function expectedOf({ events, truth }: Pick<Simulation, 'events' | 'truth'>): Expected {
  const must = new Set<string>()
  const may = new Set<string>()
  for (const [id, fields] of truth.lostUpdates) must.add(`proven lost-update ${id} ${fields}`)
  for (const [id, fields] of truth.conflicts) must.add(`proven write-conflict ${id} ${fields}`)
  for (const split of truth.partialWrites) {
    const claim = `proven partial-write ${split}`
    if (truth.beyondEvents.has(split.split(' ')[0] ?? '')) may.add(claim)
    else must.add(claim)
  }
  for (const id of truth.orphans) must.add(`proven orphaned-operation ${id}`)
  for (const pair of truth.overlaps.sameClock) must.add(`proven lock-void overlap ${pair}`)
  for (const pair of truth.overlaps.twoClocks) may.add(`indeterminate lock-void overlap ${pair}`)
  for (const id of truth.voidWrites) must.add(`proven lock-void foreign-version ${id}`)
  for (const name of truth.voidLocks) must.add(`proven lock-void holds-nothing ${name}`)
  for (const version of truth.unobserved)
    (truth.blindSpots === 0 ? must : may).add(`observed unobserved-write ${version}`)
  for (const fork of truth.forks) must.add(`hazard lost-update ${fork}`)
  for (const pair of truth.hiddenSkews) may.add(`proven write-skew ${pair}`)
  for (const pair of truth.skews) must.add(`proven write-skew ${pair}`)
  for (const pair of truth.reorders) {
    may.add(`proven reordered-sync ${pair}`)
    may.add(`indeterminate reordered-sync ${pair}`)
  }
  for (const pair of truth.shownReorders) if (isShown(events, pair)) must.add(`proven reordered-sync ${pair}`)
  for (const [key, records] of truth.created) {
    // where one of three is not known of, two are two all the same
    for (const some of subsetsOf(records))
      if (some.length > 1) may.add(`indeterminate duplicate-create ${key} ${some}`)
    if (records.length > 1) must.add(`indeterminate duplicate-create ${key} ${records}`)
  }
  return { must, may }
}

/** @param whole whether every event has arrived: only then can anything be missed */
export function wrongVerdicts(
  findings: Iterable<DetectedFinding>,
  { must, may }: Expected,
  { whole }: { readonly whole: boolean },
): readonly WrongVerdict[] {
  const claimed = new Set([...findings].flatMap(claimOf))
  const wrong: WrongVerdict[] = []
  for (const claim of claimed) if (!must.has(claim) && !may.has(claim)) wrong.push({ how: 'false', claim })
  if (whole) for (const claim of must) if (!claimed.has(claim)) wrong.push({ how: 'miss', claim })
  return wrong
}

/** None for kinds of which the simulator knows nothing, and for what only says that it does not know. */
function claimOf(finding: DetectedFinding): string | [] {
  const { kind, verdict, fields, witness, cause, entity, details } = finding
  const ids = (of: StoredEvent['kind']) =>
    witness.events.filter((event) => event.kind === of).map(({ id }) => id)
  const claim = (what: string) => `${verdict} ${kind} ${what}`
  switch (kind) {
    case 'lost-update':
      return claim(`${verdict === 'hazard' ? pairOf(ids('write')) : ids('write')} ${fields}`)
    case 'write-conflict':
      return claim(`${ids('write')} ${fields}`)
    case 'partial-write':
      return verdict === 'indeterminate' ? [] : claim(`${cause.operation_id} ${details.system}`)
    case 'orphaned-operation':
      return verdict === 'indeterminate' ? [] : claim(cause.operation_id ?? '')
    case 'lock-void':
      return claim(
        `${details.how} ${details.how === 'overlap' ? pairOf(ids('section_entered')) : details.how === 'holds-nothing' ? details.section : ids('write')}`,
      )
    case 'unobserved-write':
      return claim(String(details.version))
    case 'write-skew':
      return claim(pairOf(ids('write')))
    case 'reordered-sync':
      return claim(ids('sync').reverse().join(' '))
    case 'duplicate-create':
      return claim(`${entity?.id} ${details.external_ids}`)
    default:
      return []
  }
}

function pairOf([a = '', b = '']: readonly string[]): string {
  return pairId(a, b)
}

/** Whether the system told its revisions of both syncs, and the older one was sent once. */
function isShown(events: readonly StoredEvent[], pair: string): boolean {
  const [olderId] = pair.split(' ')
  const syncs = events.filter((event) => event.kind === 'sync' && pair.includes(event.id))
  return syncs.every(
    // what was sent before may be acknowledged again without being applied again
    (event) =>
      event.kind === 'sync' &&
      event.external_ordered === true &&
      (event.id !== olderId || event.attempt === 1),
  )
}

/** In their order. */
function subsetsOf<T>([first, ...rest]: readonly T[]): readonly (readonly T[])[] {
  if (first === undefined) return [[]]
  return subsetsOf(rest).flatMap((some) => [some, [first, ...some]])
}
