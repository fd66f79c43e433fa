import { type DetectedFinding, findingId } from '../../contract/index.ts'
import { actorOf, causeOf, entityText } from '../cause.ts'
import { eventsOf, type StoredOf } from '../events.ts'
import { compareField, memberOf } from '../field-values.ts'
import { foreignVersionOf } from '../foreign-version.ts'
import { type Fork, forksOf } from '../forked-write.ts'
import type { Detector, OperationHistory } from '../history.ts'

/** How a field was lost. `revert`: it was set back to what the operation had read, the spread-merge signature.
 *  `derived`: set to a third value, computed from what was read. `counter`: declared to be counted up or down. */
export type LossRule = 'revert' | 'derived' | 'counter'

/** Proven by one event, the write: it replaced a version that its operation never saw, and for some field
 *  that another writer had changed, what it wrote can only come from before that change. Primary: the write.
 *
 *  Where no write says what it replaced, two writes from one version are a hazard. Primary: the two. */
export const lostUpdate: Detector = {
  id: 'lost-update',
  title: 'A committed write overwrote an update that it had not read',
  needs: ['write'],
  reads: [
    'write.outcome',
    'write.transaction',
    'write.overwritten_version',
    'write.overwritten_by_self',
    'write.known_versions',
    'write.assigned',
    'write.fields',
    'write.base_fields',
    'write.overwritten_fields',
  ],
  heeds: ['write.base_version', 'write.known_incomplete', 'write.version', 'write.rows_over_limit'],
  detect(history) {
    const findings: DetectedFinding[] = []
    for (const write of eventsOf(history.events, 'write')) {
      const losses = lossesOf(write)
      if (losses.size > 0) findings.push(finding(history, write, losses))
    }
    for (const fork of forksOf(history)) findings.push(forkFinding(fork))
    return findings
  },
}

const NO_LOSS: ReadonlyMap<string, LossRule> = new Map()

/** The fields that this write surely lost, with the rule that proves it, by name. */
export function lossesOf(write: StoredOf<'write'>): ReadonlyMap<string, LossRule> {
  if (foreignVersionOf(write) === undefined) return NO_LOSS
  const losses = Object.keys(write.assigned)
    .sort()
    .map((field) => [field, lossOf(write, field)] as const)
  return new Map(losses.filter((loss): loss is [string, LossRule] => loss[1] !== undefined))
}

function lossOf(write: StoredOf<'write'>, field: string): LossRule | undefined {
  // nobody changed it in between, or nobody knows
  if (compareField(write.base_fields, write.overwritten_fields, field) !== 'different') return undefined
  const assignment = memberOf(write.assigned, field)
  // 10 → 11 by another, 10 → 11 by this one: no value differs, and an increment is gone
  if (assignment === 'counter') return 'counter'
  if (assignment !== 'value') return undefined
  if (compareField(write.fields, write.base_fields, field) === 'same') return 'revert'
  return compareField(write.fields, write.overwritten_fields, field) === 'different' ? 'derived' : undefined
}

function finding(
  history: OperationHistory,
  write: StoredOf<'write'>,
  losses: ReadonlyMap<string, LossRule>,
): DetectedFinding {
  const cause = causeOf(history)
  const fields = [...losses.keys()]
  return {
    id: findingId('lost-update', write.id),
    kind: 'lost-update',
    verdict: 'proven',
    severity: 'high',
    entity: write.entity,
    fields,
    summary: `${actorOf(cause)} wrote ${entityText(write.entity)} over an update that it had not read; lost: ${fields.join(', ')}`,
    cause,
    witness: { events: [write] },
    occurred_at: write.at,
    details: {
      system: write.system,
      rules: Object.fromEntries(losses),
      overwritten_version: write.overwritten_version,
      known_versions: write.known_versions,
    },
  }
}

function forkFinding({ runs, writes, fields }: Fork): DetectedFinding {
  const [first, last] = writes
  const cause = causeOf(runs[1])
  return {
    id: findingId('lost-update', JSON.stringify([first.id, last.id])),
    kind: 'lost-update',
    verdict: 'hazard',
    severity: 'medium',
    entity: last.entity,
    fields,
    summary: `${actorOf(cause)} wrote ${entityText(last.entity)} from the same version as another call: one of them lost ${fields.join(', ')}`,
    cause,
    witness: { events: [runs[0].started, first, runs[1].started, last] },
    occurred_at: last.at,
    details: { system: last.system, base_version: last.base_version },
  }
}
