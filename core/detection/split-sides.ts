import type { EntityRef } from '../contract/index.ts'
import { lastBy, type StoredOf, sameEntity } from './events.ts'
import { compareField } from './field-values.ts'
import { changedFields, inOrder, isUndone } from './net-change.ts'
import type { WholeOperation } from './whole-operation.ts'

type Write = StoredOf<'write'>
type Sync = StoredOf<'sync'>

/** How an operation left the database and one external system. */
export interface Split {
  readonly how: 'rejected' | 'never-sent' | 'write-rejected'
  readonly fields: readonly string[]
  readonly writes: readonly Write[]
  readonly syncs: readonly Sync[]
  /** Why it is not proven. */
  readonly doubt: string | undefined
}

/** Whether the operation left the database and `system` split about `entity`; undefined where it did not, or where
 *  an answer that never came leaves it open: that is an unknown outcome, and a finding of its own. */
export function judgeSides(whole: WholeOperation, system: string, entity: EntityRef): Split | undefined {
  const writes = whole.writes.filter(
    (write) =>
      sameEntity(write.entity, entity) &&
      write.system !== system &&
      // it found no row: neither applied nor refused, as a compare-and-set that is tried again
      write.rows_over_limit !== 0 &&
      // the called operation that declares the system answers for its own writes
      !(whole.declaredBelow.get(write.operation_id)?.has(system) ?? false),
  )
  const attempts = attemptsOf(whole, system, entity)
  // a write that may have happened, or whose rows nobody saw, may have put either side right
  if (writes.some((write) => write.outcome === 'unknown' || write.rows_over_limit !== undefined))
    return undefined
  if (attempts.some((sync) => sync.outcome === 'unknown')) return undefined
  const applied = writes.filter((write) => write.outcome === 'ok')
  if (applied.length === 0) return writeRejected(whole, writes, attempts)
  const last = lastAttempt(attempts)
  if (attempts.length > 0 && last?.outcome !== 'rejected') return undefined
  const ordered = inOrder(applied)
  const inTurn = ordered ?? applied
  const refused = last ? notBrought(last, inTurn, attempts) : neverSent(whole, system, entity)
  if (refused === undefined || (ordered && isUndone(ordered, refused))) return undefined
  const changed = changedFields(inTurn)
  const fields = refused === 'none' ? changed : carriedFields(changed, refused)
  // what the system refused to take has nothing of what was written
  if (changed.length > 0 && fields.length === 0) return undefined
  return {
    how: attempts.length === 0 ? 'never-sent' : 'rejected',
    fields,
    writes: applied,
    syncs: attempts,
    doubt:
      whole.doubt() ??
      transactionDoubt(applied) ??
      (ordered ? undefined : 'Its own writes overlapped, and nothing tells which of them was the last.'),
  }
}

function attemptsOf(whole: WholeOperation, system: string, entity: EntityRef): Sync[] {
  return whole.syncs
    .filter((sync) => sync.system === system && sameEntity(sync.entity, entity))
    .filter(({ on_behalf_of }) => on_behalf_of === undefined || whole.ids.has(on_behalf_of))
    .sort((a, b) => a.seq - b.seq)
}

/** 'none' where nothing at all went there. A sync of another entity, or for another operation, may be this one
 *  under another name: then "never" cannot be said. */
function neverSent(whole: WholeOperation, system: string, entity: EntityRef): 'none' | undefined {
  const sent = whole.syncs.some((sync) => sync.system === system)
  return sent || !sameEntity(entity, whole.started.entity) ? undefined : 'none'
}

/** The last attempt, which was rejected, where no other one brought what it carried. */
function notBrought(last: Sync, applied: readonly Write[], attempts: readonly Sync[]): Sync | undefined {
  const acknowledged = attempts.filter((sync) => sync.outcome === 'ok')
  if (acknowledged.length === 0) return last
  // one went through: it is a split only if the rejected one carried, of what was written, something that this
  // one did not. Both payloads were made by the same code, so their fingerprints do compare.
  const written = applied.at(-1)
  const missed = Object.keys(written?.assigned ?? {}).some(
    (field) =>
      compareField(last.fields, written?.fields, field) === 'same' &&
      acknowledged.every((sync) => compareField(sync.fields, last.fields, field) === 'different'),
  )
  return missed ? last : undefined
}

/** The last one by its sending and by its answer; undefined where these differ, because they overlapped. */
function lastAttempt(attempts: readonly Sync[]): Sync | undefined {
  const lastSent = lastBy(attempts, (sync) => sync.monotonic_us)
  const lastAnswered = lastBy(attempts, (sync) => sync.seq)
  const allRejected = attempts.every((sync) => sync.outcome === 'rejected')
  return allRejected || lastSent === lastAnswered ? lastAnswered : undefined
}

/** The reverse: the external system acknowledged what the database rejected. */
function writeRejected(
  whole: WholeOperation,
  writes: readonly Write[],
  attempts: readonly Sync[],
): Split | undefined {
  const acknowledged = attempts.filter((sync) => sync.outcome === 'ok')
  // a later acknowledged sync may have taken it back
  const sync = lastAttempt(acknowledged)
  const write = sync && writes.find((candidate) => carries(sync, candidate))
  if (!sync || !write) return undefined
  const held = write.overwritten_fields ?? write.base_fields
  const carried = Object.entries(write.assigned)
    .filter(([field, assignment]) => {
      return assignment !== 'last_write_wins' && compareField(sync.fields, write.fields, field) === 'same'
    })
    .map(([field]) => field)
    .sort()
  const changed = carried.filter((field) => compareField(held, write.fields, field) !== 'same')
  // the row held all of it already: the database refused to take what it had
  if (carried.length > 0 && changed.length === 0) return undefined
  const instead = held === undefined && write.action !== 'delete'
  return {
    how: 'write-rejected',
    fields: changed,
    writes: [write],
    syncs: attempts,
    doubt:
      whole.doubt() ??
      transactionDoubt([write]) ??
      (instead ? 'It is not known what the database holds instead: it may be the same.' : undefined),
  }
}

/** Whether this write is what the sync brought there: it names the version, or the values are the same. What the database
 *  made of a value on the way (a trigger) the app did not send. */
function carries(sync: Sync, write: Write): boolean {
  if (sync.version !== undefined && sync.version === write.version) return true
  if (sync.action === 'delete' || write.action === 'delete') return sync.action === write.action
  const compared = Object.entries(write.assigned)
    .filter(([, assignment]) => assignment !== 'last_write_wins')
    .map(([field, assignment]) => ({ assignment, is: compareField(sync.fields, write.fields, field) }))
  return (
    compared.some(({ is }) => is === 'same') &&
    !compared.some(({ is, assignment }) => is === 'different' && assignment !== 'unknown')
  )
}

function transactionDoubt(writes: readonly Write[]): string | undefined {
  return writes.every((write) => write.transaction !== undefined)
    ? undefined
    : 'It is not known in which transaction the write happened, so not whether it was committed.'
}

/** A payload that tells nothing of its fields may have carried any. */
function carriedFields(fields: readonly string[], { fields: payload }: Sync): readonly string[] {
  return Object.keys(payload).length === 0 ? fields : fields.filter((field) => Object.hasOwn(payload, field))
}
