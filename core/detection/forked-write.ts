import { isToken } from '../contract/index.ts'
import { committedOf, type StoredOf, sameEntity } from './events.ts'
import { compareField } from './field-values.ts'
import type { NeighbourHistory, OperationHistory } from './history.ts'
import { isBlind } from './links.ts'
import { inDifferentTransactions, isApart, type Run, runOf, runsOf } from './runs.ts'
import { valueFieldsOf } from './value-fields.ts'

type Write = StoredOf<'write'>

/** Two committed writes that both derive from one version. */
export interface Fork {
  readonly runs: readonly [Run, Run]
  /** In the order of their ids. */
  readonly writes: readonly [Write, Write]
  /** Those that one of the two lost, whichever came last. */
  readonly fields: readonly string[]
}

/** Where no write says what it replaced, two that were computed from one version show that one of them was overwritten
 *  unread. The version may have come back in between (A → B → A), and which one came last is not known: so no more
 *  than a hazard can be claimed. */
export function forksOf(history: OperationHistory): readonly Fork[] {
  const writes = unguardedForkable(history)
  const own = writes.length > 0 ? runOf(history) : undefined
  if (!own) return []
  return runsOf(history)
    .slice(1)
    .filter((other) => isApart(own, other))
    .flatMap((other) =>
      unguardedForkable(other).flatMap((theirs) =>
        writes.flatMap((mine) => forkOf({ run: own, write: mine }, { run: other, write: theirs }) ?? []),
      ),
    )
}

interface Side {
  readonly run: Run
  readonly write: Write
}

function forkOf(mine: Side, theirs: Side): Fork | undefined {
  const [a, b] = [mine.write, theirs.write]
  const isFork =
    a.base_version === b.base_version &&
    a.system === b.system &&
    sameEntity(a.entity, b.entity) &&
    inDifferentTransactions(a.transaction, b.transaction)
  const fields = isFork ? [...new Set([...lostBy(a, b), ...lostBy(b, a)])].sort() : []
  if (fields.length === 0) return undefined
  return a.id < b.id
    ? { runs: [mine.run, theirs.run], writes: [a, b], fields }
    : { runs: [theirs.run, mine.run], writes: [b, a], fields }
}

/** The fields that `last` takes back, if it came after `first`: by the rules of a lost update. */
function lostBy(last: Write, first: Write): string[] {
  return valueFieldsOf(last).filter(
    (field) =>
      compareField(last.base_fields, first.fields, field) === 'different' &&
      Object.hasOwn(first.assigned, field) &&
      compareField(last.fields, first.fields, field) === 'different',
  )
}

function unguardedForkable({ events }: NeighbourHistory): readonly Write[] {
  return committedOf(events).filter(
    (write) =>
      isBlind(write) &&
      isToken(write.base_version ?? '') &&
      write.guard === 'none' &&
      write.action !== 'create',
  )
}
