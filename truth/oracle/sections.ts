import type { Held } from '../program/diary.ts'
import type { Facts } from './facts.ts'

/** Guards under which a section really keeps out whoever takes the same one. */
const HOLDING: readonly string[] = ['for_update', 'advisory', 'read_before_lock']
/** Guards whose lock is given back before the work is done: the section ends there. */
const GIVEN_BACK: readonly string[] = ['savepoint_released']
/** Guards under which nothing is locked at all, which one caller shows. */
const HOLDING_NOTHING: readonly string[] = ['naive', 'for_update_autocommit']

export interface Overlap {
  readonly calls: readonly [string, string]
  /** By how much both were surely inside at once; below zero where they may not have been. */
  readonly innerNs: number
}

/** Sections that ran without any lock, by call, and whether they changed the row: a read alone may be one that a later
 *  statement would have made good. */
export function emptySections(facts: Facts): { readonly call: string; readonly wrote: boolean }[] {
  const wrote = new Set(facts.changes.map(({ statement }) => statement?.call))
  return facts.held
    .filter(({ guard, found }) => found && HOLDING_NOTHING.includes(guard))
    .map(({ call }) => call)
    .map((call) => ({ call, wrote: wrote.has(call) }))
}

/** Pairs of sections on one row that may have been held at once: where both really lock, none can. */
export function overlapsOf(facts: Facts): Overlap[] {
  const empty = new Set(emptySections(facts).flatMap(({ call, wrote }) => (wrote ? [] : [call])))
  return [...Map.groupBy(facts.held, ({ row }) => row).values()].flatMap((held) =>
    held.flatMap((one, index) =>
      held
        .slice(index + 1)
        .filter((other) => !locks(one, other) && shared(one.outerNs, other.outerNs) > 0)
        .map((other) => ({
          calls: [one.call, other.call].sort() as [string, string],
          innerNs: [one, other].some((each) => mayBeUntold(each, empty))
            ? 0
            : shared(one.innerNs, other.innerNs),
        })),
    ),
  )
}

/** Whether the section may have ended before its work did, or, having locked and written nothing, was none. */
function mayBeUntold({ call, guard, found }: Held, empty: ReadonlySet<string>): boolean {
  return !found || GIVEN_BACK.includes(guard) || empty.has(call)
}

/** Row locks and advisory locks keep out their own kind. */
function locks(one: Held, other: Held): boolean {
  const bothHold = [one, other].every(({ guard, found }) => found && HOLDING.includes(guard))
  return bothHold && (one.guard === 'advisory') === (other.guard === 'advisory')
}

function shared([from, to]: Held['innerNs'], [otherFrom, otherTo]: Held['innerNs']): number {
  const [start, end] = [Math.max(Number(from), Number(otherFrom)), Math.min(Number(to), Number(otherTo))]
  return end - start
}
