import { type Operation, rootOf } from './simulated-operation.ts'
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
}

export function pairTruth(world: World): PairTruth {
  const alone = world.operations.filter(({ endedAlone, parent }) => endedAlone && parent === undefined)
  const overlaps = pairsOf(world.sections).filter(
    ([a, b]) => a.fromTick < b.untilTick && b.fromTick < a.untilTick && a.operation.key === b.operation.key,
  )
  const ids = (pairs: typeof overlaps) => pairs.map(([a, b]) => pairId(a.id, b.id))
  const reorders = orderedPairs(world.applied).filter(([older, newer]) => isReordered(older, newer))
  return {
    overlaps: {
      sameClock: ids(overlaps.filter(([a, b]) => a.operation.process === b.operation.process)),
      twoClocks: ids(overlaps.filter(([a, b]) => a.operation.process !== b.operation.process)),
    },
    reorders: reorders.map(([older, newer]) => `${older.id} ${newer.id}`),
    shownReorders: reorders
      .filter(([older, newer]) => replaced(newer) === older.state)
      .map(([older, newer]) => `${older.id} ${newer.id}`),
    skews: pairsOf(alone).flatMap(([a, b]) => skewOf(a, b)),
  }
}

export function pairId(a: string, b: string): string {
  return [a, b].sort().join(' ')
}

function isReordered(older: AppliedSync, newer: AppliedSync): boolean {
  return (
    older.state.key === newer.state.key &&
    older.state.number < newer.state.number &&
    older.revision > newer.revision &&
    [older, newer].every((sync) => sync.answer === 'ok' && replaced(sync) !== undefined) &&
    rootOf(older.operation) !== rootOf(newer.operation) &&
    Object.keys(older.state.values).some((field) => older.state.values[field] !== newer.state.values[field])
  )
}

/** The state that the sync's own operation replaced by what it sent; undefined where it made none, or does not know. */
function replaced({ operation, state }: AppliedSync): RowState | undefined {
  return rootOf(operation).writes.find(({ made, outcome }) => made === state && outcome === 'ok')?.overwritten
}

function skewOf(a: Operation, b: Operation): string[] {
  return a.writes.flatMap((mine) =>
    b.writes.flatMap((theirs) => {
      if (mine.outcome !== 'ok' || theirs.outcome !== 'ok') return []
      if (!decidedBy(a, mine.sentTick, theirs) || !decidedBy(b, theirs.sentTick, mine)) return []
      return [pairId(mine.id ?? '', theirs.id ?? '')]
    }),
  )
}

type Written = Operation['writes'][number]

/** It read what the other write replaced before its own, and not what that one made. */
function decidedBy({ sideReads }: Operation, sentTick: number, others: Written): boolean {
  return (
    sideReads.some(({ state, tick }) => state === others.overwritten && tick <= sentTick) &&
    !sideReads.some(({ state }) => state === others.made)
  )
}

function pairsOf<T>(items: readonly T[]): [T, T][] {
  return items.flatMap((a, index) => items.slice(index + 1).map((b): [T, T] => [a, b]))
}

function orderedPairs<T>(items: readonly T[]): [T, T][] {
  return items.flatMap((a) => items.filter((b) => a !== b).map((b): [T, T] => [a, b]))
}
