import type { Observation, StoredEvent } from '../contract/index.ts'
import type { SuspectKind } from './compare.ts'
import {
  byTime,
  endMs,
  type History,
  isOtherwise,
  isSync,
  isWrite,
  lastOf,
  overlaps,
  type StoredSync,
  type StoredWrite,
  startMs,
  statusOf,
} from './record-history.ts'

export const DIVERGENCE_CAUSES = [
  'never-attempted',
  'rejected',
  'acknowledged-then-lost',
  'applied-out-of-order',
  'overwritten-from-outside',
  'changed-by-silent-writer',
  'unknown',
] as const
export type DivergenceCause = (typeof DIVERGENCE_CAUSES)[number]

/** Why the two systems differ on a record. */
export interface Explanation {
  readonly cause: DivergenceCause
  /** `observed`: it is what all that programs have reported and what both systems have shown come to. `indeterminate`: not
   *  all is known, or it does not say: then the cause is the likely one, or `unknown`. Never more: a program that does not
   *  report may always have had a part in it. */
  readonly verdict: 'observed' | 'indeterminate'
  /** For people. */
  readonly sentence: string
  /** The operation that did it, or left it undone; undefined where it was none that reports. */
  readonly operationId: string | undefined
  /** Events that it stands on, oldest first. */
  readonly events: readonly StoredEvent[]
}

export interface Divergent {
  readonly kind: SuspectKind
  /** Fields that differ; empty where one side has no such record. */
  readonly fields: readonly string[]
  readonly source: Observation
  readonly target: Observation
}

export interface Known {
  /** Of the record, in any order; duplicates do no harm. */
  readonly events: readonly StoredEvent[]
  /** No event of a process that reported of this record is missing, and none of the record has expired or was left out:
   *  that something is not among the events means that it did not happen in a program that reports. */
  readonly isWhole: boolean
  /** How the app calls the target in its syncs; undefined where the only one there is must be meant. */
  readonly system: string | undefined
}

/** Explains one confirmed divergence from what the app has reported. Pure. */
export function explainDivergence(divergent: Divergent, known: Known): Explanation {
  const explanation = explainByEvents(divergent, known)
  if (known.isWhole || explanation.verdict === 'indeterminate') return explanation
  const sentence = `Not all events are known. By those that are: ${explanation.sentence}`
  return { ...explanation, verdict: 'indeterminate', sentence }
}

function explainByEvents(divergent: Divergent, known: Known): Explanation {
  const events = [...new Map(known.events.map((event) => [event.id, event])).values()].sort(byTime)
  const systems = new Set(events.filter(isSync).map(({ system }) => system))
  const [only] = systems
  if (known.system === undefined && systems.size > 1) {
    return unknown(
      `The app syncs it to ${[...systems].sort().join(' and ')}: say which the target is, by \`system\` of the pair.`,
    )
  }
  const system = known.system ?? only
  const history: History = {
    writes: events.filter(isWrite).filter(({ outcome }) => outcome === 'ok'),
    syncs: events.filter(isSync).filter((sync) => sync.system === system),
  }
  if (divergent.kind === 'field-mismatch') return explainFields(divergent, events, history)
  return divergent.kind === 'missing-in-target' ? explainMissing(history) : explainUnexpected(history)
}

/** Of several fields the first that can be told. */
function explainFields(divergent: Divergent, events: readonly StoredEvent[], history: History): Explanation {
  const all = divergent.fields.map((field) => explainField(field, divergent, events, history))
  return all.find(({ cause }) => cause !== 'unknown') ?? all[0] ?? unknown('No field is named.')
}

function explainField(
  field: string,
  { source, target }: Divergent,
  events: readonly StoredEvent[],
  history: History,
): Explanation {
  const wanted = source.fields[field]
  const shown = target.fields[field]
  if (wanted === undefined || shown === undefined) return unknown(`${field} was not read on both sides.`)
  const told = history.writes.filter((write) => write.fields[field] !== undefined)
  if (told.length === 0) return unknown(`No event tells of a write of ${field}.`)
  if (told.every((write) => isOtherwise(write.fields[field], wanted))) {
    return unknown(
      `The app reports ${field} by another rule or key: declare the same fields in app and pair.`,
    )
  }
  const write = told.findLast((one) => one.fields[field] === wanted)
  if (write === undefined) return silentWriter(field, told)
  const carrying = history.syncs.filter((sync) => sync.fields[field] === wanted)
  const sent = lastOf(carrying)
  if (sent === undefined) return neverAttempted(write)
  if (sent.outcome !== 'ok') return unanswered(sent, write)
  return afterAcknowledgement(field, shown, write, sent, events, history)
}

/** The system said yes, and shows something else. */
function afterAcknowledgement(
  field: string,
  shown: string,
  write: StoredWrite,
  sent: StoredSync,
  events: readonly StoredEvent[],
  history: History,
): Explanation {
  const others = history.syncs.filter((sync) => sync.fields[field] === shown && sync.outcome !== 'rejected')
  const late = others.findLast((other) => startMs(other) > endMs(sent) || overlaps(other, sent))
  if (late) {
    const sentence = `${sent.system} shows the ${field} of a sync that ${late.operation_id === sent.operation_id ? 'this operation' : 'another operation'} sent ${startMs(late) > endMs(sent) ? 'after' : 'while'} the newer one was applied: the older value was applied last.`
    return {
      cause: 'applied-out-of-order',
      verdict: 'observed',
      sentence,
      operationId: late.operation_id,
      events: [write, sent, late].sort(byTime),
    }
  }
  const isOlder = others.length > 0 || events.some((event) => knewBefore(event, field, shown))
  if (isOlder) {
    const sentence = `${sent.system} acknowledged the ${field}${statusOf(sent)} and shows what it had before: the update is lost there.`
    return {
      cause: 'acknowledged-then-lost',
      verdict: 'observed',
      sentence,
      operationId: sent.operation_id,
      events: [write, sent],
    }
  }
  if (history.syncs.some((sync) => sync.outcome !== 'rejected' && isOtherwise(sync.fields[field], shown))) {
    return unknown(`Some syncs of ${field} were reported by another rule or key.`)
  }
  const sentence = `${sent.system} acknowledged the ${field}${statusOf(sent)}, and shows a value that no program has sent: somebody outside has written it since.`
  return {
    cause: 'overwritten-from-outside',
    verdict: 'observed',
    sentence,
    operationId: undefined,
    events: [write, sent],
  }
}

/** The value was there before: in the row, or as somebody read it. */
function knewBefore(event: StoredEvent, field: string, value: string): boolean {
  if (event.kind === 'read') return event.fields[field] === value
  if (event.kind !== 'write') return false
  return [event.fields, event.base_fields, event.overwritten_fields].some(
    (fields) => fields?.[field] === value,
  )
}

function explainMissing(history: History): Explanation {
  const write = history.writes.findLast(({ action }) => action !== 'delete')
  if (write === undefined) return unknown('No event tells of a write that made the record.')
  const kept = history.syncs.filter(({ action }) => action !== 'delete')
  const sent = lastOf(kept)
  if (sent === undefined) return neverAttempted(write)
  if (sent.outcome !== 'ok') return unanswered(sent, write)
  const removed = history.syncs.findLast(
    (sync) => sync.action === 'delete' && sync.outcome !== 'rejected' && endMs(sync) > startMs(sent),
  )
  if (removed) {
    const sentence = `${sent.system} was told to delete the record after it had been told of its newest state.`
    return {
      cause: 'applied-out-of-order',
      verdict: 'observed',
      sentence,
      operationId: removed.operation_id,
      events: [write, sent, removed].sort(byTime),
    }
  }
  const sentence = `${sent.system} acknowledged the record${statusOf(sent)} and has none: it is lost there, or was removed by somebody outside.`
  return {
    cause: 'acknowledged-then-lost',
    verdict: 'observed',
    sentence,
    operationId: sent.operation_id,
    events: [write, sent],
  }
}

function explainUnexpected(history: History): Explanation {
  const { writes, syncs } = history
  const removal = writes.findLast(({ action }) => action === 'delete')
  if (removal === undefined) {
    const [first] = writes
    if (first !== undefined) {
      const sentence = 'The row is gone, and no program that reports has deleted it.'
      return {
        cause: 'changed-by-silent-writer',
        verdict: 'observed',
        sentence,
        operationId: undefined,
        events: [first],
      }
    }
    if (syncs.length > 0) return unknown('No event tells of a write of the record.')
    const sentence =
      'No program that reports has ever written or sent the record: it was made in the target by somebody else.'
    return {
      cause: 'overwritten-from-outside',
      verdict: 'observed',
      sentence,
      operationId: undefined,
      events: [],
    }
  }
  const sent = lastOf(syncs.filter(({ action }) => action === 'delete'))
  if (sent === undefined) return neverAttempted(removal)
  if (sent.outcome !== 'ok') return unanswered(sent, removal)
  const again = syncs.findLast(
    (sync) => sync.action !== 'delete' && sync.outcome !== 'rejected' && endMs(sync) > startMs(sent),
  )
  if (again) {
    const sentence = `${sent.system} was sent the record again after it had been told to delete it.`
    return {
      cause: 'applied-out-of-order',
      verdict: 'observed',
      sentence,
      operationId: again.operation_id,
      events: [removal, sent, again].sort(byTime),
    }
  }
  const sentence = `${sent.system} acknowledged the deletion${statusOf(sent)} and still has the record.`
  return {
    cause: 'acknowledged-then-lost',
    verdict: 'observed',
    sentence,
    operationId: sent.operation_id,
    events: [removal, sent],
  }
}

function silentWriter(field: string, told: readonly StoredWrite[]): Explanation {
  const sentence = `The source's ${field} is of no write that any program has reported: it was changed by a writer that reports nothing.`
  return {
    cause: 'changed-by-silent-writer',
    verdict: 'observed',
    sentence,
    operationId: undefined,
    events: told.slice(-1),
  }
}

function neverAttempted(write: StoredWrite): Explanation {
  const sentence = 'The write was committed, and no sync of it was ever sent.'
  return {
    cause: 'never-attempted',
    verdict: 'observed',
    sentence,
    operationId: write.operation_id,
    events: [write],
  }
}

/** The last attempt to send it got no yes. */
function unanswered(sent: StoredSync, write: StoredWrite): Explanation {
  const { operation_id: operationId, system } = sent
  const events = [write, sent].sort(byTime)
  if (sent.outcome === 'rejected') {
    const sentence = `${system} rejected the sync of the newest state${statusOf(sent)}, and it was not sent again.`
    return { cause: 'rejected', verdict: 'observed', sentence, operationId, events }
  }
  const sentence = `What became of the last sync to ${system} was never learned${statusOf(sent)}.`
  return { cause: 'unknown', verdict: 'indeterminate', sentence, operationId, events }
}

function unknown(sentence: string): Explanation {
  return { cause: 'unknown', verdict: 'indeterminate', sentence, operationId: undefined, events: [] }
}
