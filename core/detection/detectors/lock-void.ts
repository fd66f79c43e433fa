import { type DetectedFinding, findingId } from '../../contract/index.ts'
import { actorOf, causeOf, entityText } from '../cause.ts'
import { type Gap, WALL_CLOCK_DOUBT } from '../clocks.ts'
import { eventsOf, type StoredOf } from '../events.ts'
import { foreignVersionOf } from '../foreign-version.ts'
import { type HeldSection, heldSections, sectionsOfNeighbour } from '../held-sections.ts'
import type { Detector, OperationHistory } from '../history.ts'
import { isApart, type Run, runOf } from '../runs.ts'
import { isOfTwoRows, overlapOf } from '../section-overlap.ts'

/** A declared section did not hold: (a) `foreign-version`, a write in it, whose base was read in it, replaced a version
 *  of another writer; (b) `overlap`, two sections of one name on one entity were held at once; (c) `holds-nothing`, its
 *  locking read returned a row and locked nothing, which one caller shows, without contention and without damage.
 *  Primary: (a) the write; (b) the beginnings of the two; (c) the service, its release and the section's name, because
 *  every run is void alike. */
export const lockVoid: Detector = {
  id: 'lock-void',
  title: 'A section that was declared exclusive did not keep others out',
  needs: ['section_entered', 'write'],
  reads: [
    'section_entered.locked',
    'section_entered.protection',
    'section_entered.name',
    'section_entered.entity',
  ],
  heeds: [
    'write.section',
    'write.outcome',
    'write.transaction',
    'write.overwritten_version',
    'write.overwritten_by_self',
    'write.known_versions',
    'write.known_incomplete',
    'write.base_version',
    'write.version',
    'write.rows_over_limit',
    'section_entered.transaction',
    'section_left.name',
    'section_left.entity',
    'section_left.protection',
    'section_left.transaction',
    'operation_started.root_operation_id',
    'read.entity',
    'read.version',
    'write.entity',
  ],
  detect(history) {
    if (eventsOf(history.events, 'section_entered').length === 0) return foreignVersions(history)
    return [...foreignVersions(history), ...overlaps(history), ...locksOfNothing(history)]
  },
}

function foreignVersions(history: OperationHistory): DetectedFinding[] {
  return eventsOf(history.events, 'write')
    .filter((write) => write.section?.base_read_inside === true && foreignVersionOf(write) !== undefined)
    .map((write) => {
      const section = write.section?.name ?? ''
      const cause = causeOf(history)
      return {
        ...finding('foreign-version', write.id, section),
        entity: write.entity,
        summary: `${actorOf(cause)} read and wrote ${entityText(write.entity)} in the section ${section}, and another writer came in between`,
        cause,
        witness: { events: [write] },
        occurred_at: write.at,
      }
    })
}

function locksOfNothing(history: OperationHistory): DetectedFinding[] {
  const entered = eventsOf(history.events, 'section_entered').filter(
    (section) => section.protection === 'row_lock' && section.locked === false && Boolean(section.name),
  )
  const byName = new Map(
    entered.map((section) => [JSON.stringify([section.name, section.entity?.type]), section]),
  )
  return [...byName.values()].map((section) => {
    const { service, release = '' } = history.process
    const cause = causeOf(history)
    return {
      ...finding(
        'holds-nothing',
        JSON.stringify([service, release, section.name, section.entity.type]),
        section.name,
      ),
      entity: section.entity,
      summary: `${actorOf(cause)} held no lock in the section ${section.name}, which declares a row lock`,
      cause,
      witness: { events: [section] },
      occurred_at: section.at,
    }
  })
}

function overlaps(history: OperationHistory): DetectedFinding[] {
  const held = heldSections(history)
  const own = held.length > 0 ? runOf(history) : undefined
  if (!own) return []
  const findings: DetectedFinding[] = []
  for (const neighbour of history.neighbours ?? [])
    for (const theirs of sectionsOfNeighbour(neighbour))
      for (const section of held) {
        const overlap = overlapOf(section, theirs)
        const other = overlap && runOf(neighbour)
        if (!other || !isApart(own, other) || isOfTwoRows(own, other, section.entered.entity)) continue
        findings.push(overlapFinding(overlap, own, section, other, theirs))
      }
  return findings
}

function overlapFinding(
  overlap: Gap,
  own: Run,
  section: HeldSection,
  other: Run,
  theirs: HeldSection,
): DetectedFinding {
  const { entered } = section
  // the same from both sides: the later id did it
  const [late, early] = entered.id > theirs.entered.id ? [own, other] : [other, own]
  const events = [section.entered, section.left, theirs.entered, theirs.left]
  const starts: StoredOf<'operation_started'>[] = [early.started, late.started]
  const cause = causeOf(late)
  const isProven = overlap.basis === 'monotonic'
  return {
    ...finding('overlap', JSON.stringify([entered.id, theirs.entered.id].sort()), entered.name),
    verdict: isProven ? 'proven' : 'indeterminate',
    ...(!isProven && { reason: WALL_CLOCK_DOUBT }),
    entity: entered.entity,
    summary: `${actorOf(cause)} was in the section ${entered.name} of ${entityText(entered.entity)} while another call was`,
    cause,
    witness: { events: [...starts, ...events].sort((a, b) => (a.id < b.id ? -1 : 1)) },
    occurred_at: late === own ? entered.at : theirs.entered.at,
    details: { how: 'overlap', section: entered.name, overlap_ms: overlap.us / 1_000 },
  }
}

function finding(how: string, primary: string, section: string) {
  return {
    id: findingId('lock-void', `${how}\n${primary}`),
    kind: 'lock-void',
    verdict: 'proven',
    severity: 'high',
    fields: [],
    details: { how, section },
  } as const
}
