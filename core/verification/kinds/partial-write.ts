import type { EntityRef } from '../../contract/index.ts'
import { unseen } from '../absence.ts'
import { asApplied, leftChange, meantFields, netChange } from '../net-change.ts'
import {
  conclude,
  type Derivation,
  type Evidence,
  notVerifiable,
  refuted,
  type Step,
  step,
} from '../proof.ts'
import { type EventOf, isSame, nameOf, of } from '../witness.ts'
import { carriedFields, hasNotBroughtIt, isHeldAlready, refusedWrite } from './partial-write-payload.ts'

/** What one operation did to the record and to the other system, from its start to its end. */
interface Account {
  readonly system: string
  readonly entity: EntityRef
  readonly started: EventOf<'operation_started'>
  readonly finished: EventOf<'operation_finished'>
  /** Of operations that it called, directly or through others. */
  readonly calls: readonly EventOf<'operation_started'>[]
  readonly writes: readonly EventOf<'write'>[]
  /** In the order of their answers. */
  readonly syncs: readonly EventOf<'sync'>[]
}

/** When the operation ended, one side had what the other had not. That nothing else was written or sent is an absence:
 *  what the witness cannot show of it is taken on trust, and named. */
export function derivePartialWrite({ events, finding }: Evidence): Derivation {
  const [finished, ...otherEnds] = of(events, 'operation_finished')
  const starts = of(events, 'operation_started')
  const started = starts.find(({ operation_id }) => operation_id === finished?.operation_id) ?? starts.at(0)
  const called = starts.filter((start) => start !== started)
  const { system } = finding.details
  if (!started || !finished || otherEnds.length > 0)
    return refuted(
      'The witness holds the start and the end of one operation.',
      'The sides are split when it ends.',
    )
  if (typeof system !== 'string' || !finding.entity)
    return refuted(
      'The finding names the system and the entity.',
      'Else it says of nothing that it is split.',
    )
  const writes = of(events, 'write')
  const syncs = of(events, 'sync').toSorted((a, b) => a.seq - b.seq)
  const top = started.operation_id
  const paths = [...writes, ...syncs].map((event) => ({
    event,
    path: pathUp(event.operation_id, top, called),
  }))
  const stranger = paths.find(({ path }) => path === undefined)?.event
  const calls = [...new Set(paths.flatMap(({ path = [] }) => path))]
  if (stranger)
    return notVerifiable(
      `${stranger.kind} ${stranger.id} is of another operation, and nothing in the witness says that ${started.name} called it`,
    )
  const account = { system, entity: finding.entity, started, finished, calls, writes, syncs }
  const splitBy = writes.some(({ outcome }) => outcome === 'ok')
    ? databaseAhead(account)
    : databaseBehind(account)
  const { how, fields, steps, says, onTrust } = splitBy
  const other = isSame(account.entity, started.entity) ? [] : [account.entity.type, account.entity.id]
  return conclude([...accountSteps(account), ...steps], () => ({
    primary: JSON.stringify([started.id, system, ...other]),
    entity: account.entity,
    fields,
    occurredAt: finished.at,
    operationId: started.operation_id,
    details: { system, how },
    events: [started, ...calls, ...writes, ...syncs, finished],
    says,
    onTrust: [...onTrust, ...nothingElse(account)],
  }))
}

/** The starts that lead from an operation up to this one; none where it is this one, undefined where none do. */
function pathUp(id: string, top: string, called: Account['calls']): Account['calls'] | undefined {
  const path: EventOf<'operation_started'>[] = []
  for (let at = id; at !== top; ) {
    const call = called.find(({ operation_id }) => operation_id === at)
    if (call?.parent_operation_id === undefined || path.includes(call)) return undefined
    path.push(call)
    at = call.parent_operation_id
  }
  return path
}

function accountSteps({ system, entity, started, finished, calls, writes, syncs }: Account): readonly Step[] {
  const declared = (started.syncs ?? []).filter((sync) => sync.system === system)
  return [
    step(
      declared.length > 0 && declared.every((sync) => sync.async !== true),
      `The operation declares that it must reach ${system} before it ends.`,
      'What it need not reach, or what an outbox sends later, is not missing at its end.',
    ),
    step(
      finished.operation_id === started.operation_id && finished.process_id === started.process_id,
      'Start and end are of one operation.',
      'The end of another one says nothing of it.',
    ),
    step(
      (finished.in_flight ?? 0) === 0,
      'Nothing was unanswered when it ended.',
      'What was under way may have put it right.',
    ),
    step(
      calls.every(
        (call) =>
          call.process_id === started.process_id &&
          call.root_operation_id === started.root_operation_id &&
          call.id !== started.id,
      ) &&
        calls.filter(({ parent_operation_id }) => parent_operation_id === started.operation_id).length <=
          (finished.calls ?? 0),
      'The operations that it called are of its own call, and its end counts them.',
      'Others it has nothing to do with.',
    ),
    step(
      calls.every(
        ({ operation_id, syncs: due }) =>
          !(due ?? []).some((target) => target.system === system) ||
          !writes.some((write) => write.operation_id === operation_id),
      ),
      `None that it called and that wrote must reach ${system} by its own declaration.`,
      'That one answers for its own writes.',
    ),
    step(
      [...calls, ...writes, ...syncs].every(({ seq }) => started.seq < seq && seq < finished.seq),
      'All of it came between start and end.',
      'Only up to its end the account of an operation is whole.',
    ),
    step(
      writes.every((write) => isSame(write.entity, entity) && write.system !== system),
      `Every write is of ${nameOf(entity)}, and not in ${system} itself.`,
      'Another record is not what the system lacks.',
    ),
    step(
      writes.every(
        ({ transaction, rows_over_limit }) => transaction !== undefined && rows_over_limit === undefined,
      ),
      'Of every write the transaction and the row are known.',
      'Else nobody knows whether it was committed, and what it did.',
    ),
    step(
      syncs.every(
        (sync) =>
          sync.system === system &&
          isSame(sync.entity, entity) &&
          (sync.on_behalf_of === undefined || sync.on_behalf_of === started.operation_id),
      ),
      `Every sync is of ${nameOf(entity)}, goes to ${system} and serves this operation.`,
      'Another sync neither brought this record there nor failed to.',
    ),
    step(
      [...writes, ...syncs].every(({ outcome }) => outcome !== 'unknown'),
      'No answer is missing.',
      'What may have been applied may have put the sides right.',
    ),
  ]
}

interface SplitBy {
  readonly how: 'rejected' | 'never-sent' | 'write-rejected'
  readonly fields: readonly string[]
  readonly steps: readonly Step[]
  readonly says: string
  readonly onTrust: readonly string[]
}

/** The database has what the other system refused, or was never sent. */
function databaseAhead({ system, entity, started, writes, syncs }: Account): SplitBy {
  const committed = writes.filter(({ outcome }) => outcome === 'ok')
  const ordered = asApplied(committed)
  const inTurn = ordered ?? committed
  const refusal = lastOf(syncs)
  const change = leftChange(inTurn, refusal)
  const meant = meantFields(inTurn)
  const changed = meant.filter((field) => netChange(inTurn, field) !== 'same')
  const fields = carriedFields(changed.length > 0 ? changed : meant, refusal)
  const [write] = inTurn.slice(-1)
  return {
    how: syncs.length === 0 ? 'never-sent' : 'rejected',
    fields,
    steps: [
      step(
        committed.length === writes.length,
        'Every write was committed.',
        'A write that was refused is no part of what the system lacks.',
      ),
      step(
        ordered !== undefined,
        'Its writes followed one another.',
        'Of two that overlapped nobody knows which one stands.',
      ),
      step(
        change !== 'no',
        'The writes together changed the row.',
        'What is as it was before is not missing elsewhere.',
      ),
      step(
        syncs.length > 0 || isSame(entity, started.entity),
        'What was never sent is the record that the operation is about.',
        'Another one it may send under a name of its own.',
      ),
      step(
        syncs.length === 0 || refusal?.outcome === 'rejected',
        'The last attempt was rejected, by its sending and by its answer.',
        'An attempt after it may have brought what it did not.',
      ),
      step(
        refusal === undefined || write === undefined || hasNotBroughtIt(syncs, refusal, write),
        'No attempt that was acknowledged brought what the rejected one carried.',
        'What arrived once is there.',
      ),
      step(
        changed.length === 0 || fields.length > 0,
        'What was refused carried something of what was written.',
        'Else the refusal keeps nothing of it away.',
      ),
    ],
    says: `Write ${write?.id} of ${nameOf(entity)} was committed${refusal ? `, ${system} refused sync ${refusal.id}` : `, nothing was sent to ${system}`}, and ${started.name} ended so`,
    onTrust: change === 'maybe' ? ['the writes changed the row: what it held before is not told'] : [],
  }
}

/** The other system has what the database refused. */
function databaseBehind({ system, entity, started, writes, syncs }: Account): SplitBy {
  const [write] = writes
  const taken = syncs.filter(({ outcome }) => outcome === 'ok')
  const brought = lastOf(taken)
  const { carries, carried, changed, isKnown, isCertain } = refusedWrite(write, brought)
  return {
    how: 'write-rejected',
    fields: changed,
    steps: [
      step(
        writes.length === 1 && write !== undefined,
        'The witness holds one write, which the database refused.',
        'Without one there is nothing that the database lacks.',
      ),
      step(
        brought !== undefined,
        `${system} acknowledged a sync, and it is clear which one was the last.`,
        'Else it has nothing of it, or a later one may have taken it back.',
      ),
      step(carries, 'That sync carried what the write was refused for.', 'Else it brought something else.'),
      step(
        !isHeldAlready(carried, changed),
        'The row had held something else.',
        'Where the database has it already, the refusal splits nothing.',
      ),
      step(isKnown, 'It is known what the row held instead.', 'It may be the same.'),
    ],
    says: `${system} took sync ${brought?.id} of ${nameOf(entity)}, the database refused write ${write?.id}, and ${started.name} ended so`,
    onTrust: isCertain ? [] : ['the row holds something else: what it held before is not told'],
  }
}

/** The last one by its answer, where it is clear; any where all were rejected alike. */
function lastOf(syncs: readonly EventOf<'sync'>[]): EventOf<'sync'> | undefined {
  const answered = syncs.at(-1)
  const sentLast = syncs.every(
    (sync) => sync === answered || sync.monotonic_us <= (answered?.monotonic_us ?? 0),
  )
  return sentLast || syncs.every(({ outcome }) => outcome === 'rejected') ? answered : undefined
}

function nothingElse({
  system,
  entity,
  started,
  finished,
  calls,
  writes,
  syncs,
}: Account): readonly string[] {
  const { process_id, seq } = started
  const absent = unseen([started, ...calls, ...writes, ...syncs, finished], process_id, seq, finished.seq)
  if (absent === '') return []
  return [
    `the books of process ${process_id} were complete from seq ${seq} to ${finished.seq}, and seq ${absent}, which the witness does not hold, is no other write of ${nameOf(entity)} and no other sync to ${system} by this operation or one that it called`,
  ]
}
