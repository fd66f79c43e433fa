import { ConfigError } from '@syncproof/connectors'
import { someText } from '@syncproof/connectors/rules'
import { ALERT_STATES, type Alert, type AlertSink, type Severity } from '@syncproof/core/contract'
import { post } from './post.ts'
import { checkSink, fromEnvironment, type SinkOptions, webAddress } from './sink-options.ts'

export interface PagerdutyOptions extends SinkOptions {
  /** Integration key of the service, Events API v2: 32 letters and digits. Default: PAGERDUTY_ROUTING_KEY. */
  readonly routingKey?: string | undefined
  /** Default `https://events.pagerduty.com`; in Europe `https://events.eu.pagerduty.com`. */
  readonly url?: string | undefined
}

/** Where it says only that it is too much: its limit is counted by the minute. */
const TOO_MANY_PAUSE_MS = 60_000
const ACTIONS = { firing: 'trigger', acknowledged: 'acknowledge', resolved: 'resolve' } as const
const SEVERITIES: Readonly<Record<Severity, string>> = {
  critical: 'critical',
  high: 'error',
  medium: 'warning',
  low: 'info',
}

/** One incident a group of findings, by the Events API v2: triggered, acknowledged and resolved under one `dedup_key`. It wakes
 *  people, so without `only.severities` it is told of critical and high ones alone.
 *  @throws ConfigError for options that are unknown or of the wrong type, and without a key */
export function pagerduty(options: PagerdutyOptions = {}): AlertSink {
  checkSink('pagerduty', options, { routingKey: someText, url: webAddress })
  const routingKey = fromEnvironment('pagerduty', 'routingKey', options.routingKey, 'PAGERDUTY_ROUTING_KEY')
  if (!/^[A-Za-z0-9]{32}$/.test(routingKey))
    throw new ConfigError('pagerduty.routingKey', 'must be the 32 letters and digits of an integration key.')
  const { name = 'pagerduty', url = 'https://events.pagerduty.com' } = options
  const only = { ...options.only, severities: options.only?.severities ?? (['critical', 'high'] as const) }
  return {
    name,
    kind: 'pagerduty',
    place: new URL(url).origin,
    only,
    states: ALERT_STATES,
    async send(alert, signal) {
      const body = JSON.stringify({ routing_key: routingKey, ...eventOf(alert) })
      const answer = await post(`${new URL(url).origin}/v2/enqueue`, body, { signal })
      if (answer.isTaken || !answer.answer.startsWith('429')) return answer
      return { ...answer, pauseMs: answer.pauseMs ?? TOO_MANY_PAUSE_MS }
    },
  }
}

/** `summary` has at most 1,024 characters, and all of it at most 512 kB: an alert's texts are far shorter. */
function eventOf(alert: Alert) {
  const { dedupKey, state, title, severity, at, pair, operation, kind, entityType } = alert
  const key = { event_action: ACTIONS[state], dedup_key: dedupKey }
  if (state !== 'firing') return key
  return {
    ...key,
    client: 'Syncproof',
    payload: {
      summary: title,
      source: pair ?? entityType ?? operation ?? 'syncproof',
      severity: SEVERITIES[severity],
      timestamp: at,
      ...(operation !== null && { component: operation }),
      ...(pair !== null && { group: pair }),
      class: kind,
      custom_details: detailsOf(alert),
    },
  }
}

function detailsOf({ summary, owner, findings, open, finding, since, help, command }: Alert) {
  return { summary, owner, findings, open, newest_finding: finding, since, help, command }
}
