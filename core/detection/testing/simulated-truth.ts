import { type Operation, type PastWrite, rootOf } from './simulated-operation.ts'
import type { SectionRun } from './simulated-section.ts'
import type { AppliedSync } from './simulated-sync.ts'
import type { RowState, World } from './simulated-world.ts'

/** What happened between operations, from rows, the system's log and instants, by identity: it knows no token, no
 *  event and no link. Pairs are ids of events, in the order of the ids. */
export interface PairTruth {
  /** Sections that were held at once: in one process, and in two. */
  readonly overlaps: { readonly sameClock: readonly string[]; readonly twoClocks: readonly string[] }
  /** Older state applied after a newer one, both made and acknowledged. */
  readonly reorders: readonly string[]
  /** Those of them that the system's revisions and a direct replacement show. */
  readonly shownReorders: readonly string[]
  readonly skews: readonly string[]
  /** Those that no event shows: a read that does not say what it saw, or one that saw something older as well. */
  readonly hiddenSkews: readonly string[]
  /** Two writes from one state, neither of which says what it replaced, with what one of them lost. */
  readonly forks: readonly string[]
}

export function pairTruth(world: World): PairTruth {
  const alone = world.operations.filter(({ endedAlone, parent }) => endedAlone && parent === undefined)
  const overlaps = pairsOf(world.sections).filter(
    ([a, b]) => keepEachOtherOut(a, b) && a.fromTick < b.untilTick && b.fromTick < a.untilTick,
  )
  const ids = (pairs: typeof overlaps) => pairs.map(([a, b]) => pairId(a.id, b.id))
  const skews = pairsOf(alone).flatMap(([a, b]) => skewsOf(a, b))
  const written = world.operations.flatMap((each) => each.writes.filter(({ by }) => by === each))
  const reorders = orderedPairs(world.applied).filter(([older, newer]) => isReordered(older, newer))
  return {
    overlaps: {
      sameClock: ids(overlaps.filter(([a, b]) => a.operation.process === b.operation.process)),
      twoClocks: ids(overlaps.filter(([a, b]) => a.operation.process !== b.operation.process)),
    },
    reorders: reorders.map(([older, newer]) => `${older.id} ${newer.id}`),
    shownReorders: reorders
      .filter(([older, newer]) => older.isNamed && newer.isNamed && replaced(newer) === older.state)
      .map(([older, newer]) => `${older.id} ${newer.id}`),
    skews: skews.filter(({ isShown }) => isShown).map(({ id }) => id),
    hiddenSkews: skews.filter(({ isShown }) => !isShown).map(({ id }) => id),
    forks: pairsOf(written).flatMap(([a, b]) => forkOf(a, b)),
  }
}

export function pairId(a: string, b: string): string {
  return [a, b].sort().join(' ')
}

/** A section that only checks a version at its end may overlap. */
function keepEachOtherOut(a: SectionRun, b: SectionRun): boolean {
  return (
    a.operation.key === b.operation.key &&
    a.name === b.name &&
    a.protection === b.protection &&
    a.protection !== 'version' &&
    rootOf(a.operation) !== rootOf(b.operation)
  )
}

function isReordered(older: AppliedSync, newer: AppliedSync): boolean {
  return (
    older.state.key === newer.state.key &&
    older.system === newer.system &&
    older.state.number < newer.state.number &&
    older.revision > newer.revision &&
    [older, newer].every((sync) => sync.answer === 'ok' && makingOf(sync) !== undefined) &&
    rootOf(older.operation) !== rootOf(newer.operation) &&
    Object.keys(older.values).some(
      (field) =>
        isOfRow(older, field) && isOfRow(newer, field) && older.values[field] !== newer.values[field],
    )
  )
}

function isOfRow({ values, state }: AppliedSync, field: string): boolean {
  return values[field] === state.values[field]
}

/** The write by which the sync's own operation made what was sent; undefined where it made none, or does not know. */
function makingOf({ operation, state }: AppliedSync): PastWrite | undefined {
  return rootOf(operation).writes.find(({ made, outcome }) => made === state && outcome === 'ok')
}

/** The state that it said it had replaced. */
function replaced(sync: AppliedSync): RowState | undefined {
  const write = makingOf(sync)
  return write?.isBlind ? undefined : write?.overwritten
}

function skewsOf(a: Operation, b: Operation): { id: string; isShown: boolean }[] {
  return a.writes.flatMap((mine) =>
    b.writes.flatMap((theirs) => {
      if (mine.outcome !== 'ok' || theirs.outcome !== 'ok') return []
      if (!decidedBy(a, mine.sentTick, theirs) || !decidedBy(b, theirs.sentTick, mine)) return []
      const isShown = showsNothingElse(a, theirs) && showsNothingElse(b, mine)
      return [{ id: pairId(mine.id ?? '', theirs.id ?? ''), isShown }]
    }),
  )
}

/** It read what the other write replaced before its own, and nothing that this one made or that came later. */
function decidedBy({ sideReads }: Operation, sentTick: number, { overwritten, made }: PastWrite): boolean {
  return (
    sideReads.some(({ state, tick }) => state === overwritten && tick <= sentTick) &&
    !sideReads.some(({ state }) => state.key === overwritten.key && state.number >= (made?.number ?? 0))
  )
}

function showsNothingElse({ sideReads }: Operation, { overwritten, isBlind }: PastWrite): boolean {
  const ofRow = sideReads.filter(({ state }) => state.key === overwritten.key)
  return !isBlind && ofRow.every(({ state, hasVersion }) => hasVersion && state === overwritten)
}

/** Two committed writes that both derive from one state, and the fields that the later one takes back, whichever it was. */
function forkOf(a: PastWrite, b: PastWrite): string[] {
  const isFork =
    [a, b].every(({ isBlind, isGuarded }) => isBlind && !isGuarded) &&
    a.base !== undefined &&
    a.base === b.base &&
    rootOf(a.by) !== rootOf(b.by)
  if (!isFork) return []
  const fields = [...new Set([...lostBy(a, b), ...lostBy(b, a)])].sort()
  return fields.length === 0 ? [] : [`${pairId(a.id ?? '', b.id ?? '')} ${fields}`]
}

function lostBy(last: PastWrite, first: PastWrite): string[] {
  return last.valueFields.filter(
    (field) =>
      first.fields.includes(field) &&
      last.base?.values[field] !== first.after[field] &&
      last.after[field] !== first.after[field],
  )
}

function pairsOf<T>(items: readonly T[]): [T, T][] {
  return items.flatMap((a, index) => items.slice(index + 1).map((b): [T, T] => [a, b]))
}

function orderedPairs<T>(items: readonly T[]): [T, T][] {
  return items.flatMap((a) => items.filter((b) => a !== b).map((b): [T, T] => [a, b]))
}
