import { isToken, type StoredEvent, tokensComparable } from '../../contract/index.ts'
import { unseen } from '../absence.ts'
import { committedSteps } from '../foreign-version.ts'
import { conclude, type Derivation, type Evidence, refuted, type Step, step } from '../proof.ts'
import { type EventOf, isSame, nameOf, of } from '../witness.ts'

interface Half {
  readonly started: EventOf<'operation_started'>
  readonly read: EventOf<'read'>
  readonly write: EventOf<'write'>
  readonly finished: EventOf<'operation_finished'>
}

/** Each of two operations read the version that the other one replaced: whichever is put first, the second would have
 *  read what the first one made, and did not. */
export function deriveWriteSkew({ events }: Evidence): Derivation {
  const halves = of(events, 'operation_started').flatMap((started) => halfOf(started, events))
  const [early, late] = halves.sort((a, b) => (a.write.id < b.write.id ? -1 : 1))
  if (!early || !late || halves.length > 2)
    return refuted(
      'The witness holds start, read, write and end of two operations.',
      'Each of the two must have read what the other one replaced.',
    )
  const steps = [
    ...halfSteps(early, late),
    ...halfSteps(late, early),
    step(
      early.write.transaction !== late.write.transaction || early.write.transaction === 'none',
      'They wrote in different transactions.',
      'One transaction sees its own writes.',
    ),
  ]
  return conclude(steps, () => ({
    primary: JSON.stringify([early.write.id, late.write.id]),
    entity: late.write.entity,
    fields: [],
    occurredAt: late.write.at,
    operationId: late.started.operation_id,
    details: { system: late.write.system, other_entity: early.write.entity },
    events: [early, late].flatMap(({ started, read, write, finished }) => [started, read, write, finished]),
    says: `Read ${early.read.id} saw ${nameOf(late.write.entity)} as it was before write ${late.write.id}, and read ${late.read.id} saw ${nameOf(early.write.entity)} as it was before write ${early.write.id}: no order of the two could have read both`,
    onTrust: [trusted(early, late, events), trusted(late, early, events)].filter((text) => text !== ''),
  }))
}

function halfOf(started: EventOf<'operation_started'>, events: readonly StoredEvent[]): Half[] {
  const isOwn = (event: { operation_id: string }) => event.operation_id === started.operation_id
  const [read, write, finished] = [
    of(events, 'read').find(isOwn),
    of(events, 'write').find(isOwn),
    of(events, 'operation_finished').find(isOwn),
  ]
  return read && write && finished ? [{ started, read, write, finished }] : []
}

function halfSteps({ started, read, write, finished }: Half, other: Half): readonly Step[] {
  return [
    ...committedSteps(write),
    step(
      read.found && read.transaction !== undefined && read.version !== undefined && isToken(read.version),
      `Read ${read.id} found the row, and tells its transaction and the version that it saw.`,
      'Else nobody knows which state it was.',
    ),
    step(
      read.system === other.write.system && isSame(read.entity, other.write.entity),
      `Read ${read.id} is of the row that the other operation wrote.`,
      'A read of another row does not depend on that write.',
    ),
    step(
      !isSame(read.entity, write.entity),
      `Read ${read.id} is of another row than its own operation wrote.`,
      'Two writers of one row are a lost update or a conflict.',
    ),
    step(
      read.version === other.write.overwritten_version,
      `Read ${read.id} saw the very version that the other operation replaced.`,
      'By tokens, and by no clock, it is certain to have seen the state before.',
    ),
    step(
      other.write.version !== undefined &&
        other.write.version !== read.version &&
        tokensComparable(other.write.version, read.version ?? ''),
      `Write ${other.write.id} names the new version that it made, comparably with the one that was read.`,
      'Else nobody can say that the other operation did not read it.',
    ),
    step(
      read.monotonic_us <= write.monotonic_us,
      `Read ${read.id} came before its own operation's write.`,
      'What was read afterwards was not decided on.',
    ),
    step(
      started.parent_operation_id === undefined &&
        (finished.calls ?? 0) === 0 &&
        (finished.in_flight ?? 0) === 0,
      `Operation ${started.operation_id} was called by none, called none, and left nothing unanswered.`,
      'Whoever belongs to it may have read the newer version; and so the two are not of one call.',
    ),
    step(
      [read, write].every(({ seq }) => started.seq < seq && seq < finished.seq),
      `Operation ${started.operation_id} read and wrote between its start and its end.`,
      'What comes after the end of an operation is not its whole account.',
    ),
  ]
}

function trusted({ started, finished }: Half, other: Half, events: readonly StoredEvent[]): string {
  const absent = unseen(events, started.process_id, started.seq, finished.seq)
  if (absent === '') return ''
  return `the books of process ${started.process_id} were complete from seq ${started.seq} to ${finished.seq}, and seq ${absent}, which the witness does not hold, is no read of what write ${other.write.id} made, and no write of ${nameOf(other.write.entity)}`
}
