import { type MemberRule, required } from '@syncproof/connectors/rules'
import type { Alert, AlertSink } from '@syncproof/core/contract'
import { post } from './post.ts'
import { checkSink, type SinkOptions, webAddress } from './sink-options.ts'

export interface AlertmanagerOptions extends SinkOptions {
  /** Its root, such as `http://alertmanager:9093`; with a prefix, with that. */
  readonly url: string
  readonly headers?: Readonly<Record<string, string>> | undefined
}

/** It forgets what it is not told again, so that a sender which dies rings no bell for ever. */
const REFRESH_MS = 60_000
const HOLDS_MS = 5 * REFRESH_MS

/** Posts to `/api/v2/alerts`, with `alertname` SyncproofFinding. What fires is told again each minute, which is how Alertmanager is
 *  to be used; who is told of it, and how often, it decides itself. It knows no acknowledgement: silence the alert there.
 *  @throws ConfigError for options that are missing, unknown or of the wrong type */
export function alertmanager(options: AlertmanagerOptions): AlertSink {
  checkSink('alertmanager', options, members)
  const { name = 'alertmanager', only = {}, headers = {} } = options
  const url = `${options.url.replace(/\/+$/, '')}/api/v2/alerts`
  return {
    name,
    kind: 'alertmanager',
    place: new URL(url).origin,
    only,
    refreshMs: REFRESH_MS,
    states: ['firing', 'resolved'],
    send: (alert, signal) => post(url, JSON.stringify([alertOf(alert)]), { headers, signal }),
  }
}

/** The same labels are the same alert: severity and owner are those that were told first. */
function alertOf(alert: Alert) {
  const { dedupKey, project, kind, severity, pair, operation, entityType, owner, test } = alert
  const endsMs = alert.state === 'firing' ? Date.now() + HOLDS_MS : Date.parse(alert.at)
  return {
    labels: {
      alertname: test ? 'SyncproofTest' : 'SyncproofFinding',
      syncproof_alert: dedupKey,
      project,
      kind,
      severity,
      ...(owner !== null && { owner }),
      ...(pair !== null && { pair }),
      ...(operation !== null && { operation }),
      ...(entityType !== null && { entity_type: entityType }),
    },
    annotations: {
      summary: alert.title,
      description: alert.summary,
      help: alert.help,
      command: alert.command,
    },
    startsAt: alert.since,
    endsAt: new Date(endsMs).toISOString(),
  }
}

const headersRule: MemberRule = {
  check(value) {
    const isObject = typeof value === 'object' && value !== null
    if (!isObject || !Object.values(value).every((text) => typeof text === 'string'))
      return 'must be an object of texts by name.'
    try {
      new Headers(value as Record<string, string>)
      return undefined
    } catch {
      return 'has a name or a text that cannot be a header.'
    }
  },
}

const members = { url: required(webAddress), headers: headersRule }
