import { ConfigError } from '@syncproof/connectors'
import { kindOf, type MemberRule, required } from '@syncproof/connectors/rules'
import { fromVariable } from '@syncproof/connectors/secrets'
import { ALERT_STATES, type Alert, type AlertSink } from '@syncproof/core/contract'
import { Webhook } from 'standardwebhooks'
import { post } from './post.ts'
import { checkSink, type SinkOptions, webAddress } from './sink-options.ts'

export interface WebhookOptions extends SinkOptions {
  readonly url: string
  /** `whsec_` and base64 of 24 to 64 bytes, as Standard Webhooks has it. Two while one takes the place of the other: both
   *  sign. Default: SYNCPROOF_WEBHOOK_SECRET; without any nothing is signed. */
  readonly secret?: string | readonly [string, string] | undefined
}

/** Posts each change as JSON, signed by Standard Webhooks: `webhook-id`, the same whenever it is tried again,
 *  `webhook-timestamp` and `webhook-signature`. Any 2xx takes it; 400, 413 and 422 give it up; all else is tried again.
 *  @throws ConfigError for options that are missing, unknown or of the wrong type */
export function webhook(options: WebhookOptions): AlertSink {
  checkSink('webhook', options, members)
  const { name = 'webhook', only = {}, url } = options
  const signers = secretsOf(options.secret).map((secret) => new Webhook(secret))
  return {
    name,
    kind: 'webhook',
    place: new URL(url).origin,
    only,
    states: ALERT_STATES,
    async send(alert, signal) {
      const body = JSON.stringify(bodyOf(alert))
      const at = new Date()
      const signature = signers.map((signer) => signer.sign(alert.id, at, body)).join(' ')
      const headers = {
        'webhook-id': alert.id,
        'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
        ...(signature !== '' && { 'webhook-signature': signature }),
      }
      return post(url, body, { headers, signal })
    },
  }
}

function bodyOf({ id: _, at, state, ...alert }: Alert) {
  const { dedupKey, entityType, finding, ...same } = alert
  const { traceId, ...example } = finding ?? {}
  return {
    type: `syncproof.alert.${state}`,
    timestamp: at,
    data: {
      dedup_key: dedupKey,
      state,
      ...same,
      entity_type: entityType,
      ...(finding && { finding: { ...example, ...(traceId && { trace_id: traceId }) } }),
    },
  }
}

function secretsOf(given: WebhookOptions['secret']): readonly string[] {
  if (typeof given === 'object') return given
  const secret = given ?? fromVariable('SYNCPROOF_WEBHOOK_SECRET')
  if (!secret) return []
  const wrong = secretRule.check(secret)
  if (wrong) throw new ConfigError('SYNCPROOF_WEBHOOK_SECRET', wrong)
  return [secret]
}

const SECRET = /^whsec_[A-Za-z0-9+/]{32,88}={0,2}$/

const secretRule: MemberRule = {
  check(value) {
    const all = Array.isArray(value) ? value : [value]
    if (all.length === 0 || all.length > 2)
      return 'must be one secret, or two while one takes the place of the other.'
    if (all.every((one) => typeof one === 'string' && SECRET.test(one))) return undefined
    return `must be \`whsec_\` and base64 of 24 to 64 bytes, not ${kindOf(value)} of another form. Make one: \`echo whsec_$(openssl rand -base64 32)\`.`
  },
}

const members = { url: required(webAddress), secret: secretRule }
