import { innerKey } from '../plan/call.ts'
import { isWhole, type Round } from '../world/stage.ts'
import { Facts } from './facts.ts'
import { reordersOf } from './orders.ts'
import { type Overwrite, overwritesOf } from './overwrites.ts'
import { emptySections, overlapsOf } from './sections.ts'
import { skewsOf } from './skews.ts'
import { splitsOf } from './splits.ts'

/** What happened of one kind. `sure` must be found; `possible`, of which `sure` is a part, may be. */
interface Happened {
  readonly sure: readonly string[]
  readonly possible: readonly string[]
}

/** An overlap of this much is far above what lies between the program's own look at the clock and the SDK's. */
const OVERLAP_NS = 1_000_000
/** How many versions apart two syncs may be for their order to be looked at (`limits.chainStepsMax` of detection). */
const STEPS_MAX = 2
const NOTHING: Happened = { sure: [], possible: [] }

/** What really happened in a round, by the definitions of the findings and without anything of Syncproof. */
export function truthOf(round: Round) {
  const facts = new Facts(round)
  const died = [...facts.accounts.values()].filter((each) => each.died && each.plan?.shape !== 'raw')
  const created = facts.attempts.filter((attempt) => attempt.created && attempt.status === 200)
  const duplicates = [...Map.groupBy(created, ({ record }) => record)]
    .filter(([, attempts]) => attempts.length > 1)
    .map(([record]) => record)
  return {
    ...overwrittenIn(round, facts),
    ...betweenCallsIn(round, facts),
    splits: happened(
      splitsOf(facts),
      ({ call, isOpen }) => !isOpen && isAnswered(facts, call),
      ({ call, how }) => `${call} ${how}`,
    ),
    voidByNothing: happened(
      emptySections(facts),
      ({ call, wrote }) => wrote && isAnswered(facts, call),
      ({ call }) => call,
    ),
    orphans: happened(
      died,
      ({ call }) => hadBegun(facts, call),
      ({ call }) => call,
    ),
    duplicates: { sure: duplicates, possible: duplicates },
    others: NOTHING,
    unverified: NOTHING,
  } as const satisfies Readonly<Record<string, Happened>>
}

export type Truth = ReturnType<typeof truthOf>
export type Kind = keyof Truth

/** What one write shows. */
function overwrittenIn(round: Round, facts: Facts) {
  const overwrites = overwritesOf(facts)
  const isVisible = ({ veiled, statement }: Overwrite) => !veiled && isAnswered(facts, statement.call)
  const ofRow = ({ statement, row }: Overwrite) => `${statement.call} ${row}`
  const held = new Set(facts.held.map(({ call }) => call))
  const writer = ({ replaced }: Overwrite) => facts.accounts.get(facts.writerOf(replaced)?.call ?? '')
  const losses = overwrites.filter(({ lost }) => lost.length > 0)
  const isConflict = (each: Overwrite) => isVisible(each) && each.lost.length === 0 && !each.indifferent
  const untold = overwrites.filter((each) => {
    const maker = writer(each)
    // what a process had not been answered it did not report
    return maker?.plan?.shape === 'raw' || (maker !== undefined && !isAnswered(facts, maker.call))
  })
  return {
    lost: happened(losses, isVisible, (each) => `${ofRow(each)} ${each.lost.join(',')}`),
    conflicts: happened(overwrites, isConflict, ofRow),
    voidByForeign: happened(
      overwrites.filter(({ statement }) => held.has(statement.call)),
      isVisible,
      ({ statement }) => statement.call,
    ),
    unobserved: happened(
      untold,
      (each) => isVisible(each) && isWhole(round) && writer(each)?.plan?.shape === 'raw',
      ofRow,
    ),
  }
}

/** What only shows between two calls. */
function betweenCallsIn(round: Round, facts: Facts) {
  // of an operation that calls others, what those have seen is not at hand where it is a neighbour
  const isAlone = (call: string) =>
    isAnswered(facts, call) && facts.accounts.get(call)?.plan?.shape !== 'nested'
  const isOrdered = (call: string) => {
    const plan = facts.accounts.get(call)?.plan
    // an outbox that is not declared joins nobody
    const isJoined = plan?.shape !== 'outbox' || plan.syncsDeclared
    // who counts up in SQL sends what it read before that
    const isOwn = plan?.shape !== 'plain' || plan.change !== 'increment'
    return plan?.client === 'fetch' && plan.shape !== 'upsert' && isJoined && isOwn && isAlone(call)
  }
  return {
    overlaps: happened(
      overlapsOf(facts),
      ({ calls, innerNs }) => innerNs > OVERLAP_NS && sameDiary(round, calls),
      ({ calls }) => calls.join(' '),
    ),
    skews: happened(
      skewsOf(facts),
      (pair) => pair.split(' ').every(isAlone),
      (pair) => pair,
    ),
    reorders: happened(
      reordersOf(facts),
      ({ pair, steps, isFirst }) => isFirst && steps <= STEPS_MAX && pair.split(' ').every(isOrdered),
      ({ pair }) => pair,
    ),
  }
}

function happened<T>(all: readonly T[], isSure: (each: T) => boolean, textOf: (each: T) => string): Happened {
  return { sure: all.filter(isSure).map(textOf), possible: all.map(textOf) }
}

/** Whether a call came to know the fate of all that it did: its process lived, and no connection was cut. */
function isAnswered(facts: Facts, call: string): boolean {
  const lived = [call, innerKey(call)].every((each) => facts.accounts.get(each)?.died !== true)
  return lived && facts.accounts.get(call)?.plan?.cutsCommit === undefined
}

/** Two wall clocks prove no overlap: only what happened in one process must be found. */
function sameDiary({ diaries }: Round, calls: readonly [string, string]): boolean {
  return diaries.some((lines) =>
    calls.every((call) => lines.some((line) => line.what === 'began' && line.call === call)),
  )
}

/** Whether the wrapped function itself had done something: before that, its operation may not have started. */
function hadBegun(facts: Facts, call: string): boolean {
  return facts.linesOf(call).some((line) => line.what !== 'began' && 'call' in line && line.call === call)
}
