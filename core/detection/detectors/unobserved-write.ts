import { findingId } from '../../contract/index.ts'
import { actorOf, causeOf, entityText } from '../cause.ts'
import { eventsOf } from '../events.ts'
import { foreignVersionOf } from '../foreign-version.ts'
import type { Detector } from '../history.ts'

/** A write replaced a version that no reported write had made: somebody changes the row past Syncproof. The version
 *  came up after the operation had read an older one, so it is younger than the reporting. Rests on absence, which the
 *  store answers (`OperationHistory.unclaimed`). Primary: the version. */
export const unobservedWrite: Detector = {
  id: 'unobserved-write',
  title: 'A row was changed by a write that nobody reported',
  needs: ['write'],
  reads: [
    'write.outcome',
    'write.transaction',
    'write.overwritten_version',
    'write.overwritten_by_self',
    'write.known_versions',
  ],
  heeds: ['write.known_incomplete', 'write.base_version', 'write.version', 'write.rows_over_limit'],
  detect(history) {
    if (!history.unclaimed || history.unclaimed.size === 0) return []
    return eventsOf(history.events, 'write').flatMap((write) => {
      const foreign = foreignVersionOf(write)
      if (foreign === undefined || !history.unclaimed?.has(foreign)) return []
      const cause = causeOf(history)
      return [
        {
          id: findingId('unobserved-write', foreign),
          kind: 'unobserved-write',
          verdict: 'observed',
          severity: 'medium',
          entity: write.entity,
          fields: [],
          summary: `${actorOf(cause)} replaced a version of ${entityText(write.entity)} that no reported write had made`,
          cause,
          witness: { events: [write] },
          occurred_at: write.at,
          details: { system: write.system, version: foreign },
        },
      ]
    })
  },
}
