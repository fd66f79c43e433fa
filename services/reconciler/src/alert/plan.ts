import type { AlertRoute, AlertSink, AlertState } from '@syncproof/core/contract'
import type { AlertingGroup, AlertPlan, NewAlert } from '@syncproof/store'
import { composeAlert } from './compose-alert.ts'

/** Who owns what a function does, by its name. */
export type OperationOwners = ReadonlyMap<string, string>

/** What the sinks are to hear of a group, from how it stands and what each has heard:
 *
 *      nothing, over ──open, routed here, no maintenance──► firing ◄──another one opens── acknowledged
 *                                                            │  └──all that are open were acknowledged──► │
 *                                                            └────────── over, or muted ──► resolved ◄────┘
 *
 *  Whatever has fired is told to be over, wherever it is routed by then. While no finding is open and the group is not over, as
 *  before a run has covered the pair, nothing is said. */
export function alertPlan(
  projectId: string,
  sinks: readonly AlertSink[],
  owners: OperationOwners,
): AlertPlan {
  return {
    next: (group) => sinks.flatMap((sink) => nextFor(group, sink, ownersOf(group, owners))),
    message: (group, sample, next) =>
      composeAlert({ projectId, group, sample, next, owner: ownersOf(group, owners)[0] ?? null }),
  }
}

/** Of a function before those of the pairs of its records. */
function ownersOf(group: AlertingGroup, owners: OperationOwners): readonly string[] {
  const own = group.operation === null ? undefined : owners.get(group.operation)
  return own === undefined ? group.owners : [own]
}

function nextFor(group: AlertingGroup, sink: AlertSink, owners: readonly string[]): readonly NewAlert[] {
  const told = group.told[sink.name]?.state ?? 'resolved'
  const now = stateOf(group)
  if (now === undefined || now === told) return []
  if (told === 'resolved' && (now !== 'firing' || !isRouted(group, sink.only, owners))) return []
  if (now === 'firing' && group.maintenance !== null) return []
  if (!sink.states.includes(now)) return []
  return [{ sink: sink.name, state: now }]
}

/** Undefined: not over, and nobody can say that it goes on. */
function stateOf({ status, muted, is_firing, is_acknowledged }: AlertingGroup): AlertState | undefined {
  if (status === 'resolved' || muted) return 'resolved'
  if (is_firing) return 'firing'
  return is_acknowledged ? 'acknowledged' : undefined
}

function isRouted(group: AlertingGroup, only: AlertRoute, owners: readonly string[]): boolean {
  const { severities, kinds, pairs } = only
  return (
    (severities === undefined || severities.includes(group.severity)) &&
    (kinds === undefined || kinds.includes(group.kind)) &&
    (pairs === undefined || (group.pair !== null && pairs.includes(group.pair))) &&
    (only.owners === undefined || owners.some((owner) => only.owners?.includes(owner)))
  )
}
