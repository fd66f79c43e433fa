import { isMadeOfSpans, type Protection } from '../../contract/index.ts'
import { foreignVersionSteps, versionName } from '../foreign-version.ts'
import { conclude, type Derivation, type Evidence, refuted, step } from '../proof.ts'
import { type EventOf, isSame, nameOf, of } from '../witness.ts'

/** A section that was declared exclusive did not keep others out, in one of three ways: which one, the events say. */
export function deriveLockVoid(evidence: Evidence): Derivation {
  const [write] = of(evidence.events, 'write')
  if (write) return foreignVersion(write)
  return of(evidence.events, 'section_left').length === 0 ? holdsNothing(evidence) : overlap(evidence)
}

function foreignVersion(write: EventOf<'write'>): Derivation {
  const steps = [
    step(
      write.section?.base_read_inside === true,
      'The write happened in a section that had read the row itself.',
      'What changed before the section read the row, no lock could have kept out.',
    ),
    ...foreignVersionSteps(write),
  ]
  return conclude(steps, () => ({
    primary: `foreign-version\n${write.id}`,
    entity: write.entity,
    fields: [],
    occurredAt: write.at,
    operationId: write.operation_id,
    details: { how: 'foreign-version', section: write.section?.name },
    events: [write],
    says: `Write ${write.id} in the section ${write.section?.name} replaced version ${versionName(write.overwritten_version)} of ${nameOf(write.entity)}, which another writer had made since the section read the row`,
    onTrust: [],
  }))
}

/** Every run of the section of that release is void alike, so the finding is named by these and not by the event. */
function holdsNothing({ events, finding }: Evidence): Derivation {
  const [entered, ...more] = of(events, 'section_entered')
  if (!entered || more.length > 0)
    return refuted(
      'The witness holds a write, the beginning of a section, or two runs of one.',
      'Each alone proves it.',
    )
  const { service, release = '' } = finding.cause
  const steps = [
    step(
      entered.protection === 'row_lock',
      'The section declares a row lock.',
      'Only of a row lock does the locking read tell whether it is held.',
    ),
    step(
      entered.locked === false,
      'The locking read found a row, and its backend had no transaction id afterwards.',
      'Locking a row assigns a transaction id: where there is none, nothing is locked.',
    ),
  ]
  return conclude(steps, () => ({
    primary: `holds-nothing\n${JSON.stringify([service, release, entered.name, entered.entity.type])}`,
    entity: entered.entity,
    fields: [],
    occurredAt: entered.at,
    operationId: entered.operation_id,
    details: { how: 'holds-nothing', section: entered.name },
    events: [entered],
    says: `Event ${entered.id}: the section ${entered.name} of ${nameOf(entered.entity)} declares a row lock, and the backend of its locking read had locked nothing`,
    onTrust: [],
  }))
}

interface Held {
  readonly started: EventOf<'operation_started'>
  readonly entered: EventOf<'section_entered'>
  readonly left: EventOf<'section_left'>
}

/** What keeps others out while it lasts; the others refuse one of two at the end. */
const EXCLUSIVE: readonly Protection[] = ['row_lock', 'advisory_lock', 'external']

function overlap({ events }: Evidence): Derivation {
  const held = of(events, 'operation_started').flatMap((started): Held[] => {
    const isOwn = (event: { operation_id: string }) => event.operation_id === started.operation_id
    const [entered, left] = [
      of(events, 'section_entered').find(isOwn),
      of(events, 'section_left').find(isOwn),
    ]
    return entered && left ? [{ started, entered, left }] : []
  })
  const [early, late] = held.sort((a, b) => (a.entered.id < b.entered.id ? -1 : 1))
  if (!early || !late || held.length > 2)
    return refuted(
      'The witness holds the start of two operations, and both ends of the section of each.',
      'Only both ends tell how long it was held, and only the starts tell the calls apart.',
    )
  return conclude(overlapSteps(early, late), () => ({
    primary: `overlap\n${JSON.stringify([early.entered.id, late.entered.id])}`,
    entity: early.entered.entity,
    fields: [],
    occurredAt: late.entered.at,
    operationId: late.started.operation_id,
    details: { how: 'overlap', section: early.entered.name },
    events: [early, late].flatMap(({ started, entered, left }) => [started, entered, left]),
    says: `Two calls held the section ${early.entered.name} of ${nameOf(early.entered.entity)} at once, by the clock of their process: ${late.entered.id} came in before ${early.left.id} was left, and ${early.entered.id} before ${late.left.id}`,
    onTrust: [],
  }))
}

function overlapSteps(early: Held, late: Held) {
  const [a, b] = [early.entered, late.entered]
  return [
    ...[early, late].map(({ entered, left }) =>
      step(
        left.seq === entered.seq + 1 &&
          left.name === entered.name &&
          left.protection === entered.protection &&
          left.transaction === entered.transaction &&
          isSame(left.entity, entered.entity),
        `Event ${entered.id} and event ${left.id} are the two ends of one run.`,
        'Both are produced when the section is left, one after the other: else they may be of two runs.',
      ),
    ),
    step(
      a.name === b.name && a.protection === b.protection && isSame(a.entity, b.entity),
      'Both runs are of one section of one entity, with one protection.',
      'Others need not keep each other out.',
    ),
    step(
      EXCLUSIVE.includes(a.protection),
      'The section is declared to keep others out while it lasts.',
      'Where a version is checked, or the database serialises, two may overlap: one is refused at its end.',
    ),
    step(
      early.started.root_operation_id !== late.started.root_operation_id,
      'The two are not of one call.',
      'A call may enter its own section again.',
    ),
    step(
      areApart(a, b),
      'The two are surely of different transactions.',
      'A lock of the database lets its own transaction in again.',
    ),
    step(
      a.process_id === b.process_id && !isMadeOfSpans(a.process_id),
      'Both ran in one process, with a monotonic clock.',
      'Of two processes, and of one that is made of spans, only wall clocks tell, and nothing says that none was set meanwhile.',
    ),
    step(
      a.monotonic_us < late.left.monotonic_us && b.monotonic_us < early.left.monotonic_us,
      'Each came in before the other one left.',
      'Then there was a time at which both held it.',
    ),
  ]
}

function areApart(a: EventOf<'section_entered'>, b: EventOf<'section_entered'>): boolean {
  const differ = a.transaction !== b.transaction || a.transaction === 'none'
  const known = a.transaction !== undefined && b.transaction !== undefined
  // a lock outside of the database knows of no transaction
  return a.protection === 'external' ? differ || a.transaction === undefined : known && differ
}
