import { isMadeOfSpans, type StoredEvent } from '../../contract/index.ts'
import { unseen } from '../absence.ts'
import { relation } from '../field-relation.ts'
import { committedSteps, versionName } from '../foreign-version.ts'
import { conclude, type Derivation, type Evidence, notVerifiable, refuted, step } from '../proof.ts'
import { type EventOf, isSame, nameOf, of } from '../witness.ts'

/** A version that was brought to the other system, and the write that made it. */
interface Sent {
  readonly sync: EventOf<'sync'>
  readonly write: EventOf<'write'>
  readonly started: EventOf<'operation_started'>
  /** Of the operation that made it, where the sync does not say which version it carries. */
  readonly finished: EventOf<'operation_finished'> | undefined
}

/** Two versions of a row, of which one replaced the other, were applied elsewhere in the wrong order. */
export function deriveReorderedSync({ events }: Evidence): Derivation {
  const sent = of(events, 'sync').flatMap((sync) => sentBy(sync, events))
  const [a, b] = sent
  if (!a || !b || sent.length > 2 || of(events, 'sync').length > 2)
    return refuted(
      'The witness holds two syncs, and for each the write that made the version it carries, with its start.',
      'Only what a call made itself it means to bring; what it only read it may send on purpose.',
    )
  const [forward, backward] = [leadsTo(a.write, b.write, events), leadsTo(b.write, a.write, events)]
  if (!forward && !backward)
    return notVerifiable(
      `nothing in the witness leads from version ${versionName(a.write.version)} to ${versionName(b.write.version)} or back: the write between the two is not in it`,
    )
  if (forward && backward)
    return refuted(
      'One of the two versions came before the other.',
      'Each is said to have replaced the other one.',
    )
  const [older, newer, via] = forward ? [a, b, forward] : [b, a, backward ?? []]
  const foreignSender = [older, newer].find(
    (one) => one.sync.on_behalf_of === undefined && !isOwn(one, events),
  )
  if (foreignSender)
    return notVerifiable(
      `sync ${foreignSender.sync.id} was sent by another operation than made its version, and nothing in the witness says that the two are of one call`,
    )
  return derive(older, newer, via, events)
}

function sentBy(sync: EventOf<'sync'>, events: readonly StoredEvent[]): Sent[] {
  return of(events, 'write')
    .filter((write) => carries(sync, write))
    .flatMap((write) => {
      const isMaker = ({ operation_id }: { operation_id: string }) => operation_id === write.operation_id
      const started = of(events, 'operation_started').find(isMaker)
      const finished = sync.version === undefined ? of(events, 'operation_finished').find(isMaker) : undefined
      return started ? [{ sync, write, started, finished }] : []
    })
}

/** A sync that names no version carries what the operation made that it serves; one that names it, carries that. */
function carries(sync: EventOf<'sync'>, write: EventOf<'write'>): boolean {
  if (write.version === undefined) return false
  if (sync.version === undefined)
    return (
      write.operation_id === (sync.on_behalf_of ?? sync.operation_id) && isSame(write.entity, sync.entity)
    )
  return (
    write.version === sync.version &&
    (sync.on_behalf_of === undefined || sync.on_behalf_of === write.operation_id)
  )
}

/** The call that made the version sent it itself. */
function isOwn({ sync, started }: Sent, events: readonly StoredEvent[]): boolean {
  const sender = of(events, 'operation_started').find(
    ({ operation_id }) => operation_id === sync.operation_id,
  )
  return sender?.root_operation_id === started.root_operation_id
}

type Write = EventOf<'write'>

/** The writes between two, by what each of them replaced; undefined where the newer one does not go back to the older. */
function leadsTo(older: Write, newer: Write, events: readonly StoredEvent[]): readonly Write[] | undefined {
  const between: Write[] = []
  for (let last = newer; last.overwritten_version !== undefined; ) {
    if (last.overwritten_version === older.version) return between
    const previous = of(events, 'write').find(({ version }) => version === last.overwritten_version)
    if (!previous || previous === newer || between.includes(previous)) return undefined
    between.unshift(previous)
    last = previous
  }
  return undefined
}

function derive(older: Sent, newer: Sent, via: readonly Write[], events: readonly StoredEvent[]): Derivation {
  const fields = Object.keys(older.sync.fields)
    .filter((field) => relation(older.sync.fields, newer.sync.fields, field) === 'different')
    .filter((field) =>
      [older, newer].every(({ sync, write }) => relation(sync.fields, write.fields, field) === 'same'),
    )
    .sort()
  const order = orderOf(older.sync, newer.sync)
  const { entity, system } = older.sync
  return conclude(
    [...pairSteps(older, newer, via), ...[older, newer].flatMap(onlySteps), ...orderSteps(fields, order)],
    () => ({
      primary: JSON.stringify([older.sync.id, newer.sync.id]),
      entity,
      fields,
      occurredAt: older.sync.at,
      operationId: older.sync.operation_id,
      details: { system, order },
      events: [
        ...[older, newer].flatMap(({ sync, write, started, finished }) => [
          sync,
          write,
          started,
          ...(finished ? [finished] : []),
        ]),
        ...via,
        ...[older, newer].flatMap((sent) => senderOf(sent, events)),
      ],
      says: `Sync ${older.sync.id} brought ${system} version ${versionName(older.write.version)} of ${nameOf(entity)} after sync ${newer.sync.id} had brought version ${versionName(newer.write.version)}, which came after it: ${order === 'revision' ? `revision ${older.sync.external_version} is above ${newer.sync.external_version}` : 'it was sent only when the other one had been answered'}`,
      onTrust: [older, newer].flatMap((sent) => nothingElse(sent, events)),
    }),
  )
}

/** The start of the operation that sent what another one of its call had made. */
function senderOf({ sync, write }: Sent, events: readonly StoredEvent[]): readonly StoredEvent[] {
  if (sync.on_behalf_of !== undefined || sync.operation_id === write.operation_id) return []
  return of(events, 'operation_started')
    .filter(({ operation_id }) => operation_id === sync.operation_id)
    .slice(0, 1)
}

function pairSteps(older: Sent, newer: Sent, via: readonly Write[]) {
  const [a, b] = [older.sync, newer.sync]
  return [
    ...[older.write, ...via, newer.write].flatMap((write) => [
      ...committedSteps(write),
      step(
        write.action !== 'delete' && write.version !== write.overwritten_version,
        `Write ${write.id} made a new version of the row.`,
        'A deletion, or a version that replaced itself, orders nothing.',
      ),
    ]),
    step(
      via.every((write) => isSame(write.entity, older.write.entity)),
      'The writes between the two are of the same record.',
      'Versions of another row order nothing here.',
    ),
    ...[a, b].map((sync) =>
      step(
        sync.outcome === 'ok' && sync.action !== 'delete',
        `Sync ${sync.id} was acknowledged.`,
        'What was refused, or may have been, is not known to stand there.',
      ),
    ),
    step(
      older.started.root_operation_id !== newer.started.root_operation_id,
      'The two versions are not of one call.',
      'A call may take back what it did itself.',
    ),
    step(
      a.system === b.system &&
        isSame(a.entity, b.entity) &&
        isSame(older.write.entity, newer.write.entity) &&
        (a.external_id === b.external_id || a.external_id === undefined || b.external_id === undefined),
      'Both went to one record of one system.',
      'Records of their own do not overwrite each other.',
    ),
  ]
}

/** A sync that names no version carries the one that its operation made, where that made no other one. */
function onlySteps({ sync, write, started, finished }: Sent) {
  if (sync.version !== undefined) return []
  return [
    step(
      finished !== undefined && finished.process_id === started.process_id,
      `Sync ${sync.id} names no version, and the operation that it serves is there with its start and its end.`,
      'Else that operation may have made other versions of the record.',
    ),
    step(
      started.parent_operation_id === undefined &&
        (finished?.calls ?? 0) === 0 &&
        (finished?.in_flight ?? 0) === 0,
      'That operation called no other one, no other one called it, and nothing was unanswered at its end.',
      'Those may have made another version.',
    ),
    step(
      sync.operation_id !== write.operation_id || sync.monotonic_us >= write.monotonic_us,
      `Sync ${sync.id} was not sent before write ${write.id} was.`,
      'What was sent before cannot carry what the write made.',
    ),
    step(
      started.seq < write.seq && write.seq < (finished?.seq ?? 0) && write.system !== sync.system,
      `It made the version of write ${write.id} between the two.`,
      'What came after its end is not told by it.',
    ),
  ]
}

/** What the witness does not show of an operation that is said to have made one version alone. */
function nothingElse(
  { sync, write, started, finished }: Sent,
  events: readonly StoredEvent[],
): readonly string[] {
  if (sync.version !== undefined || !finished) return []
  const gaps = unseen(events, started.process_id, started.seq, finished.seq)
  return gaps === ''
    ? []
    : [
        `none of the events ${gaps} of process ${started.process_id} wrote ${nameOf(write.entity)} for operation ${started.operation_id}`,
      ]
}

function orderSteps(fields: readonly string[], order: 'revision' | 'monotonic' | undefined) {
  return [
    step(
      fields.length > 0,
      'A field has different values in the two, each as its own row has it.',
      'Where both brought the same, their order changes nothing.',
    ),
    step(
      order !== undefined,
      'The older version was applied last: by the revisions of the system, or because it was sent, for the first time and in the same process, when the newer one had been answered.',
      'Else the newer one may stand there; and what only two wall clocks say is never proven.',
    ),
  ]
}

/** What says that the older one was applied after the newer one. */
function orderOf(older: EventOf<'sync'>, newer: EventOf<'sync'>): 'revision' | 'monotonic' | undefined {
  // a repeated attempt, or one that the system knows by its key, may have been applied long before it was answered, and
  // is answered with the revision of now
  if (older.attempt !== 1 || older.idempotency_key !== undefined) return undefined
  const [last, first] = [revisionOf(older), revisionOf(newer)]
  if (last !== undefined && first !== undefined && older.external_id === newer.external_id)
    return last > first ? 'revision' : undefined
  if (older.process_id !== newer.process_id || newer.duration_us === undefined) return undefined
  // the clock of spans may have been set in between
  if (isMadeOfSpans(older.process_id)) return undefined
  return newer.monotonic_us + newer.duration_us < older.monotonic_us ? 'monotonic' : undefined
}

function revisionOf({ external_ordered, external_version = '' }: EventOf<'sync'>): bigint | undefined {
  return external_ordered === true && /^\d{1,40}$/.test(external_version)
    ? BigInt(external_version)
    : undefined
}
