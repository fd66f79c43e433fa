import { unseen } from '../absence.ts'
import { conclude, type Derivation, type Evidence, refuted, step } from '../proof.ts'
import { nameOf, of } from '../witness.ts'

/** An operation began, its process ended, and it did not end before. That it did not is an absence: what the witness
 *  cannot show is taken on trust, and named. */
export function deriveOrphanedOperation({ events }: Evidence): Derivation {
  const [started, ...otherStarts] = of(events, 'operation_started')
  const [end, ...otherEnds] = of(events, 'process_ended')
  if (!started || !end || otherStarts.length + otherEnds.length > 0)
    return refuted(
      'The witness holds the start of one operation and the end of its process.',
      'These two prove it.',
    )
  const own = events.filter((event) => event.kind !== 'process_ended')
  const acts = [...of(events, 'write'), ...of(events, 'sync')]
  const steps = [
    step(
      own.every(
        ({ operation_id, process_id }) =>
          operation_id === started.operation_id && process_id === end.process_id,
      ),
      'All of it is of this operation and of this process.',
      'Another process ends without it, and another operation has an end of its own.',
    ),
    step(
      of(events, 'operation_finished').length === 0,
      'The operation did not end.',
      'What ended before its process did is no orphan.',
    ),
    step(
      own.every(({ seq, id }) => seq <= end.last_seq && (seq > started.seq || id === started.id)),
      'Its events lie between its start and the last one that the process produced.',
      'The process would have gone on after its end.',
    ),
  ]
  const absent = unseen(events, end.process_id, started.seq, end.last_seq)
  return conclude(steps, () => ({
    primary: started.id,
    entity: started.entity,
    fields: [],
    severity: acts.some(({ outcome }) => outcome !== 'rejected') ? 'high' : 'low',
    occurredAt: end.at,
    operationId: started.operation_id,
    details: { last_seq: end.last_seq },
    events: [...own, end],
    says: `Event ${started.id} starts ${started.name} with ${nameOf(started.entity)}; event ${end.id} ends its process at seq ${end.last_seq}, and no end of the operation came before`,
    onTrust:
      absent === ''
        ? []
        : [
            `the books of process ${end.process_id} were complete from seq ${started.seq} to ${end.last_seq}, and seq ${absent}, which the witness does not hold, is no end of the operation`,
          ],
  }))
}
