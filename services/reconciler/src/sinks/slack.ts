import { required } from '@syncproof/connectors/rules'
import { ALERT_STATES, type Alert, type AlertSink } from '@syncproof/core/contract'
import { lineOf } from '../alert/line.ts'
import { post } from './post.ts'
import { checkSink, fromEnvironment, type SinkOptions, webAddress } from './sink-options.ts'

export interface SlackOptions extends SinkOptions {
  /** The address of an incoming webhook: it is a secret. Default: SLACK_WEBHOOK_URL. */
  readonly url?: string | undefined
}

/** Slack refuses longer ones. */
const HEADER_LENGTH_MAX = 150
const TEXT_LENGTH_MAX = 3_000

/** One message a change, through an incoming webhook. A message has no state in Slack, so the end is a message of its own.
 *  @throws ConfigError for options that are unknown or of the wrong type, and without an address */
export function slack(options: SlackOptions = {}): AlertSink {
  const url = fromEnvironment('slack', 'url', options.url, 'SLACK_WEBHOOK_URL')
  checkSink('slack', { ...options, url }, { url: required(webAddress) })
  const { name = 'slack', only = {} } = options
  return {
    name,
    kind: 'slack',
    place: new URL(url).origin,
    only,
    states: ALERT_STATES,
    // a hook or a channel that is gone may be mended, and is said by 403, 404 and 410
    send: (alert, signal) => post(url, JSON.stringify(messageOf(alert)), { signal }),
  }
}

const SIGNS = {
  firing: ':red_circle:',
  acknowledged: ':large_yellow_circle:',
  resolved: ':large_green_circle:',
}
const WORDS = { firing: 'Found', acknowledged: 'Acknowledged', resolved: 'Over' }

function messageOf(alert: Alert) {
  const { state, title, summary, severity, owner, findings, open, finding, command } = alert
  const entity = finding?.entity
  const facts = [
    `*Severity* ${severity}`,
    owner === null ? '' : `*Owner* ${escaped(owner)}`,
    `*Findings* ${findings}${state === 'resolved' ? '' : `, ${open} open`}`,
    entity ? `*Newest* ${escaped(`${entity.type} ${entity.id}`)}` : '',
    finding?.fields.length ? `*Fields* ${escaped(finding.fields.join(', '))}` : '',
    finding?.release ? `*Release* ${escaped(finding.release)}` : '',
  ].filter((fact) => fact !== '')
  const sentence = `${WORDS[state]}: ${title}`
  return {
    // what is shown in notifications
    text: escaped(lineOf(sentence, HEADER_LENGTH_MAX)),
    blocks: [
      {
        type: 'section',
        text: {
          type: 'mrkdwn',
          text: cut(`${SIGNS[state]} *${escaped(lineOf(sentence, HEADER_LENGTH_MAX))}*\n${escaped(summary)}`),
        },
      },
      { type: 'context', elements: [{ type: 'mrkdwn', verbatim: true, text: cut(facts.join('   ')) }] },
      { type: 'context', elements: [{ type: 'plain_text', text: cut(command), emoji: false }] },
    ],
  }
}

/** Text of an app in Slack's markup: no link, mention or format may come of it. */
function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replace(/[*_~`]/g, '\u200b$&')
}

function cut(text: string): string {
  return text.length <= TEXT_LENGTH_MAX ? text : `${text.slice(0, TEXT_LENGTH_MAX - 1).toWellFormed()}…`
}
