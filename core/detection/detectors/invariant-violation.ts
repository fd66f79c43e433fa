import { findingId } from '../../contract/index.ts'
import { actorOf, causeOf, entityText } from '../cause.ts'
import { eventsOf } from '../events.ts'
import type { Detector } from '../history.ts'

/** A committed record contradicts an invariant that is declared for it: the SDK evaluated it on the row as written.
 *  Primary: the event. */
export const invariantViolation: Detector = {
  id: 'invariant-violation',
  title: 'A record that was written contradicts a declared invariant',
  needs: ['invariant_violated'],
  reads: ['invariant_violated.name', 'invariant_violated.entity', 'invariant_violated.system'],
  detect(history) {
    return eventsOf(history.events, 'invariant_violated')
      .filter(({ name, entity, system }) => Boolean(name && entity && system))
      .map((violated) => {
        const cause = causeOf(history)
        const { name, entity, system } = violated
        return {
          id: findingId('invariant-violation', violated.id),
          kind: 'invariant-violation',
          verdict: 'proven',
          severity: 'high',
          entity,
          fields: [],
          summary: `${actorOf(cause)} left ${entityText(entity)} in ${system} in contradiction to ${name}`,
          cause,
          witness: { events: [violated] },
          occurred_at: violated.at,
          details: { invariant: name, system },
        }
      })
  },
}
