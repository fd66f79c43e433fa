import { innerKey } from '../plan/call.ts'
import { isWhole, type Round } from '../world/stage.ts'
import { Facts } from './facts.ts'
import { reordersOf } from './orders.ts'
import { overwritesOf } from './overwrites.ts'
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

/** What really happened in a round, by the definitions of the findings and without anything of Syncproof. */
export function truthOf(round: Round) {
  const facts = new Facts(round)
  const overwrites = overwritesOf(facts)
  const isLiving = (call: string) =>
    [call, innerKey(call)].every((each) => facts.accounts.get(each)?.died !== true) &&
    facts.accounts.get(call)?.plan?.cutsCommit === undefined
  // of an operation that calls others, what those have seen is not at hand where it is a neighbour
  const isAlone = (call: string) => isLiving(call) && facts.accounts.get(call)?.plan?.shape !== 'nested'
  const areOrdered = (pair: string) =>
    pair.split(' ').every((call) => {
      const plan = facts.accounts.get(call)?.plan
      // an outbox that is not declared joins nobody
      const isJoined = plan?.shape !== 'outbox' || plan.syncsDeclared
      // who counts up in SQL sends what it read before that
      const isOwn = plan?.shape !== 'plain' || plan.change !== 'increment'
      return plan?.client === 'fetch' && plan.shape !== 'upsert' && isJoined && isOwn && isAlone(call)
    })
  // what a process had not been answered, its events do not say
  const visible = overwrites.filter(({ veiled, statement }) => !veiled && isLiving(statement.call))
  const lostText = ({ statement, row, lost }: (typeof overwrites)[number]) =>
    `${statement.call} ${row} ${lost.join(',')}`
  const lost = (list: typeof overwrites) => list.filter((each) => each.lost.length > 0).map(lostText)
  const rowText = ({ statement, row }: (typeof overwrites)[number]) => `${statement.call} ${row}`
  const conflicts = visible.filter((each) => each.lost.length === 0 && !each.indifferent)
  const sectioned = (list: typeof overwrites) =>
    list
      .filter(({ statement }) => facts.held.some(({ call }) => call === statement.call))
      .map(({ statement }) => statement.call)
  const overlaps = overlapsOf(facts)
  const pairText = ({ calls }: (typeof overlaps)[number]) => calls.join(' ')
  const reorders = reordersOf(facts)
  const splits = splitsOf(facts)
  const splitText = ({ call, how }: (typeof splits)[number]) => `${call} ${how}`
  const empty = emptySections(facts)
  const skews = skewsOf(facts)
  // what a process that was killed had not been answered it did not report
  const isUntold = ({ replaced }: (typeof overwrites)[number]) => {
    const account = facts.accounts.get(facts.writerOf(replaced)?.call ?? '')
    return account?.plan?.shape === 'raw' || account?.died === true || account?.plan?.cutsCommit !== undefined
  }
  const isByNobody = ({ replaced }: (typeof overwrites)[number]) =>
    isWhole(round) && facts.accounts.get(facts.writerOf(replaced)?.call ?? '')?.plan?.shape === 'raw'
  const created = facts.attempts.filter((attempt) => attempt.created && attempt.status === 200)
  const duplicates = [...Map.groupBy(created, ({ record }) => record)]
    .filter(([, attempts]) => attempts.length > 1)
    .map(([record]) => record)
  const died = [...facts.accounts.values()].filter((account) => account.died && account.plan?.shape !== 'raw')
  const orphans = died.map(({ call }) => call)
  return {
    facts,
    lost: { sure: lost(visible), possible: lost(overwrites) },
    conflicts: { sure: conflicts.map(rowText), possible: overwrites.map(rowText) },
    splits: {
      sure: splits.filter(({ call, isOpen }) => isLiving(call) && !isOpen).map(splitText),
      possible: splits.map(splitText),
    },
    voidByForeign: { sure: sectioned(visible), possible: sectioned(overwrites) },
    voidByNothing: {
      sure: empty.filter(({ call, wrote }) => wrote && isLiving(call)).map(({ call }) => call),
      possible: empty.map(({ call }) => call),
    },
    overlaps: {
      sure: overlaps
        .filter(({ calls, innerNs }) => innerNs > OVERLAP_NS && sameDiary(round, calls))
        .map(pairText),
      possible: overlaps.map(pairText),
    },
    skews: { sure: skews.filter((pair) => pair.split(' ').every(isAlone)), possible: skews },
    reorders: {
      sure: reorders
        .filter(({ pair, steps }) => steps <= STEPS_MAX && areOrdered(pair))
        .map(({ pair }) => pair),
      possible: reorders.map(({ pair }) => pair),
    },
    orphans: { sure: orphans.filter((call) => hadBegun(facts, call)), possible: orphans },
    unobserved: {
      sure: visible.filter(isByNobody).map(rowText),
      possible: overwrites.filter(isUntold).map(rowText),
    },
    duplicates: { sure: duplicates, possible: duplicates },
    others: { sure: [], possible: [] },
    unverified: { sure: [], possible: [] },
  } as const satisfies Readonly<Record<string, Happened | Facts>>
}

export type Truth = ReturnType<typeof truthOf>
export type Kind = Exclude<keyof Truth, 'facts'>

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
