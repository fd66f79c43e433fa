import type { AlertSink } from '@syncproof/core/contract'
import type { Knocked } from './ask/knock.ts'
import { type Check, fail, type Look, pass } from './check.ts'
import { certificateChecks } from './tls-checks.ts'

const NAME = 'alerts'

/** The address of a sink; undefined where its place is none. */
export function addressOf({ place }: Pick<AlertSink, 'place'>): URL | undefined {
  if (!URL.canParse(place)) return undefined
  const url = new URL(place)
  return url.protocol === 'http:' || url.protocol === 'https:' ? url : undefined
}

/** Whether a sink can be reached. @param came undefined where it has no address to knock at */
export function sinkChecks(
  { name, place }: Pick<AlertSink, 'name' | 'place'>,
  came: Knocked | undefined,
  nowMs: number,
): readonly Look[] {
  const reached = pass(
    NAME,
    `${name}: ${place} can be reached. \`syncproof alert test\` sends, and proves more.`,
  )
  if (came === undefined)
    return [{ name: NAME, why: `${name} has no address: \`syncproof alert test\` sends` }]
  if (came.came === 'connection') return [reached]
  if (came.came === 'nothing')
    return [
      fail(
        NAME,
        `${name}: ${place} cannot be reached: ${came.reason}.`,
        'Nobody is told there meanwhile. Let this machine through to it, or mend its address in `alerts` of the configuration.',
      ),
    ]
  const bad = certificateChecks(NAME, `${name} at ${place}`, came.shown, nowMs).filter(
    ({ state }) => state !== 'pass',
  )
  return bad.length > 0 ? bad : [reached]
}

/** A pass: rules of Prometheus may tell people instead, and then a warning would be there for ever. */
export function noSinks(): Check {
  return pass(NAME, '`alerts` of the configuration is empty: only rules of Prometheus tell people.')
}
