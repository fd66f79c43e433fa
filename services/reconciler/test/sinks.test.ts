import { readFileSync } from 'node:fs'
import { ConfigError } from '@syncproof/connectors'
import type { Alert, AlertSink } from '@syncproof/core/contract'
import { Webhook } from 'standardwebhooks'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { hasPrometheus, type Running, startAlertmanager } from '../../../dashboards/test/prometheus.ts'
import { startWebhook } from '../../../dashboards/test/webhook.ts'
import { alertmanager, pagerduty, sentry, slack, webhook } from '../src/sinks/index.ts'
import { type Receiver, startReceiver } from './support/receiver.ts'

const SECRETS = [1, 2].map((n) => `whsec_${Buffer.alloc(32, n).toString('base64')}`) as [string, string]
const KEY = 'a'.repeat(32)

const firing: Alert = {
  id: 'alert_17',
  dedupKey: 'syncproof/default/g_0123456789abcdef',
  state: 'firing',
  project: 'default',
  kind: 'field-mismatch',
  severity: 'high',
  pair: 'candidate',
  operation: 'syncCandidate',
  entityType: 'candidate',
  owner: 'team-hiring',
  title: 'field-mismatch by syncCandidate in pair candidate',
  summary: 'status differs between db and ats.',
  findings: 3,
  open: 2,
  finding: {
    id: 'f_1',
    entity: { type: 'candidate', id: 'c-17' },
    fields: ['status'],
    service: 'candidate-api',
    release: 'r42',
    traceId: '0af7651916cd43dd8448eb211c80319c',
  },
  since: '2026-11-20T10:00:00.000000Z',
  at: '2026-11-20T10:00:05.000Z',
  help: 'docs/findings/field-mismatch.md',
  command: 'syncproof findings --kind field-mismatch',
}
const acknowledged: Alert = { ...firing, id: 'alert_18', state: 'acknowledged' }
const resolved: Alert = { ...firing, id: 'alert_19', state: 'resolved', open: 0, summary: 'None differs.' }

let receiver: Receiver
beforeEach(async () => {
  receiver = await startReceiver()
})
afterEach(() => receiver.close())

const send = (sink: AlertSink, alert: Alert = firing, ms = 5_000) => sink.send(alert, AbortSignal.timeout(ms))
const bodies = () => receiver.received.map(({ body }) => JSON.parse(body))

describe('webhook()', () => {
  it('signs by Standard Webhooks, with both secrets while one takes the place of the other', async () => {
    const sink = webhook({ url: `${receiver.url}/alerts`, secret: SECRETS })
    expect(await send(sink)).toEqual({ isTaken: true, answer: '200 ok' })
    const [one] = receiver.received
    for (const secret of SECRETS) {
      const body = new Webhook(secret).verify(one?.body ?? '', one?.headers as Record<string, string>)
      expect(body).toEqual({
        type: 'syncproof.alert.firing',
        timestamp: firing.at,
        data: {
          dedup_key: firing.dedupKey,
          state: 'firing',
          project: 'default',
          kind: 'field-mismatch',
          severity: 'high',
          pair: 'candidate',
          operation: 'syncCandidate',
          entity_type: 'candidate',
          owner: 'team-hiring',
          title: firing.title,
          summary: firing.summary,
          findings: 3,
          open: 2,
          finding: {
            id: 'f_1',
            entity: { type: 'candidate', id: 'c-17' },
            fields: ['status'],
            service: 'candidate-api',
            release: 'r42',
            trace_id: '0af7651916cd43dd8448eb211c80319c',
          },
          since: firing.since,
          help: firing.help,
          command: firing.command,
        },
      })
    }
    expect(one?.headers['webhook-id']).toBe('alert_17')
    const other = new Webhook(`whsec_${Buffer.alloc(32, 3).toString('base64')}`)
    expect(() => other.verify(one?.body ?? '', one?.headers as Record<string, string>)).toThrow()
  })

  it('keeps the id of a message that is tried again', async () => {
    const sink = webhook({ url: receiver.url })
    await send(sink)
    await send(sink)
    expect(receiver.received.map(({ headers }) => headers['webhook-id'])).toEqual(['alert_17', 'alert_17'])
  })

  it('refuses a secret of another form, and names neither secret nor address where it shows itself', () => {
    const wrong = () => webhook({ url: receiver.url, secret: 'hunter2' })
    expect(wrong).toThrow(ConfigError)
    expect(wrong).not.toThrow(/hunter2/)
    expect(webhook({ url: 'https://hooks.example/secret-path?x=1' }).place).toBe('https://hooks.example')
    const named = () => webhook({ url: 'https://user:hunter2@hooks.example' })
    expect(named).toThrow('no user and no password')
    expect(named).not.toThrow(/hunter2/)
    expect(() => webhook({ url: receiver.url, secret: [] as never })).toThrow('one secret')
    expect(() => alertmanager({ url: receiver.url, headers: { 'a b': 'x' } })).toThrow('cannot be a header')
  })
})

describe('whatever a sink answers', () => {
  const cases: readonly (readonly [number, object])[] = [
    [204, { isTaken: true }],
    [400, { isTaken: false, isLater: false }],
    [401, { isTaken: false, isLater: true }],
    [404, { isTaken: false, isLater: true }],
    [413, { isTaken: false, isLater: false }],
    [429, { isTaken: false, isLater: true }],
    [500, { isTaken: false, isLater: true }],
  ]
  for (const [status, expected] of cases) {
    it(`${status} is ${JSON.stringify(expected)}`, async () => {
      receiver.answer = (response) => response.writeHead(status).end()
      expect(await send(webhook({ url: receiver.url }))).toMatchObject({
        ...expected,
        answer: String(status),
      })
    })
  }

  it('a pause that it asks for is kept, and one that is too long is cut to an hour', async () => {
    receiver.answer = (response) => response.writeHead(429, { 'retry-after': '7' }).end()
    expect(await send(slack({ url: receiver.url }))).toMatchObject({ pauseMs: 7_000 })
    receiver.answer = (response) => response.writeHead(503, { 'retry-after': '999999' }).end()
    expect(await send(slack({ url: receiver.url }))).toMatchObject({ pauseMs: 3_600_000 })
  })

  it('a redirect is not followed, to a private address or any other', async () => {
    const inside = await startReceiver()
    receiver.answer = (response) =>
      response.writeHead(307, { location: `${inside.url}/latest/meta-data` }).end()
    const answer = await send(webhook({ url: receiver.url }))
    expect(answer).toMatchObject({
      isTaken: false,
      isLater: true,
      answer: expect.stringContaining('redirect'),
    })
    expect(inside.received).toEqual([])
    await inside.close()
  })

  it('nothing, a closed port and an answer without an end are said as what they are, in time', async () => {
    const sink = webhook({ url: receiver.url })
    receiver.answer = () => {}
    expect(await send(sink, firing, 200)).toMatchObject({ isLater: true, answer: 'no answer in time' })
    receiver.answer = (response) => {
      response.writeHead(500)
      const timer = setInterval(() => response.write('x'.repeat(65_536)), 1)
      response.on('close', () => clearInterval(timer))
    }
    const endless = await send(sink)
    expect(endless).toMatchObject({ isLater: true, answer: expect.stringMatching(/^500 x+…$/) })
    expect(endless.answer.length).toBe(200)
    await receiver.down()
    expect(await send(sink)).toMatchObject({
      isLater: true,
      answer: expect.stringMatching(/^no answer: (ECONNREFUSED|UND_ERR_SOCKET)$/),
    })
  })

  it('what it says is one line without control characters', async () => {
    receiver.answer = (response) => response.writeHead(400).end('bad\n\u001b[31mred\u202e')
    expect(await send(webhook({ url: receiver.url }))).toMatchObject({ answer: '400 bad [31mred' })
  })
})

describe('pagerduty()', () => {
  it('triggers, acknowledges and resolves one incident', async () => {
    receiver.answer = (response) => response.writeHead(202).end('{"status":"success"}')
    const sink = pagerduty({ routingKey: KEY, url: receiver.url })
    for (const alert of [firing, acknowledged, resolved])
      expect(await send(sink, alert)).toMatchObject({ isTaken: true })
    expect(receiver.received.map(({ path }) => path)).toEqual(Array(3).fill('/v2/enqueue'))
    expect(bodies()).toMatchObject([
      {
        routing_key: KEY,
        event_action: 'trigger',
        dedup_key: firing.dedupKey,
        payload: {
          summary: firing.title,
          source: 'candidate',
          severity: 'error',
          component: 'syncCandidate',
          group: 'candidate',
          class: 'field-mismatch',
          custom_details: { owner: 'team-hiring', findings: 3, open: 2 },
        },
      },
      { routing_key: KEY, event_action: 'acknowledge', dedup_key: firing.dedupKey },
      { routing_key: KEY, event_action: 'resolve', dedup_key: firing.dedupKey },
    ])
  })

  it('backs off for a minute where it is told that it is too much, and wakes nobody for what is not urgent', async () => {
    const sink = pagerduty({ routingKey: KEY, url: receiver.url })
    receiver.answer = (response) => response.writeHead(429).end()
    expect(await send(sink)).toMatchObject({ isLater: true, pauseMs: 60_000 })
    expect(sink.only.severities).toEqual(['critical', 'high'])
    expect(pagerduty({ routingKey: KEY, only: { severities: ['low'] } }).only.severities).toEqual(['low'])
  })
})

describe('slack()', () => {
  it('sends one message a change, and lets no text of an app become a link, a mention or a format', async () => {
    const sink = slack({ url: `${receiver.url}/services/T/B/secret` })
    await send(sink, {
      ...firing,
      title: 'lost-update by <!channel> & *x*',
      summary: '<https://evil.example|click>',
      finding: { id: 'f_1', entity: { type: 'candidate', id: '<@U1>' }, fields: [] },
    })
    await send(sink, resolved)
    const [first, last] = bodies()
    expect(JSON.stringify(first)).not.toMatch(/<[!@h]/)
    expect(first.text).toBe('Found: lost-update by &lt;!channel&gt; &amp; \u200b*x\u200b*')
    expect(first.blocks[0].text.text).toContain('&lt;https://evil.example|click&gt;')
    expect(last.text).toBe('Over: field-mismatch by syncCandidate in pair candidate')
    expect(sink.place).not.toContain('secret')
  })
})

describe('sentry()', () => {
  it('makes one issue a group, beside the trace of the call, and tells of its end in the same issue', async () => {
    receiver.answer = (response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
    const { host } = new URL(receiver.url)
    const sink = sentry({ dsn: `http://public@${host}/42`, environment: 'production' })
    expect(await send(sink)).toEqual({ isTaken: true, answer: '200' })
    expect(await send(sink)).toMatchObject({ isTaken: true })
    expect(await send(sink, resolved)).toMatchObject({ isTaken: true })
    expect(receiver.received[0]?.path).toMatch(/^\/api\/42\/envelope\//)
    const [first, again, last] = receiver.received.map(({ body }) => envelopeOf(body))
    expect(first?.item).toMatchObject({
      message: firing.title,
      level: 'error',
      environment: 'production',
      release: 'r42',
      transaction: 'syncCandidate',
      fingerprint: ['syncproof', firing.dedupKey],
      tags: {
        'syncproof.state': 'firing',
        'syncproof.kind': 'field-mismatch',
        'syncproof.pair': 'candidate',
        'syncproof.operation': 'syncCandidate',
        'syncproof.owner': 'team-hiring',
      },
      contexts: { trace: { trace_id: firing.finding?.traceId } },
      sdk: { name: 'sentry.javascript.node' },
    })
    // tried again it is the same event
    expect(again?.item.event_id).toBe(first?.item.event_id)
    expect(last?.item).toMatchObject({
      message: `Over: ${firing.title}`,
      level: 'info',
      fingerprint: ['syncproof', firing.dedupKey],
      tags: { 'syncproof.state': 'resolved' },
    })
    expect(last?.item.event_id).not.toBe(first?.item.event_id)
  })

  it('says what came back, and waits as long as it is asked to', async () => {
    const { host } = new URL(receiver.url)
    const sink = sentry({ dsn: `http://public@${host}/42` })
    const listeners = process.listenerCount('beforeExit')
    receiver.answer = (response) => response.writeHead(429, { 'retry-after': '30' }).end()
    expect(await send(sink)).toMatchObject({ isTaken: false, isLater: true, answer: '429', pauseMs: 30_000 })
    receiver.answer = (response) => response.writeHead(403).end()
    expect(await send(sink)).toMatchObject({ isTaken: false, isLater: true, answer: '403' })
    receiver.answer = () => {}
    expect(await send(sink, firing, 300)).toMatchObject({ isLater: true, answer: 'no answer in time' })
    // who did not answer is not waited for any more
    await vi.waitFor(async () => expect(await receiver.connections()).toBe(0))
    await receiver.down()
    expect(await send(sink)).toMatchObject({ isLater: true, answer: 'no answer: ECONNREFUSED' })
    expect(process.listenerCount('beforeExit')).toBe(listeners)
  })
})

const isThere = hasPrometheus()

describe.runIf(isThere)('alertmanager()', () => {
  let server: Running
  let hook: Awaited<ReturnType<typeof startWebhook>>
  beforeEach(async () => {
    hook = await startWebhook()
    server = await startAlertmanager(hook.url)
  })
  afterEach(async () => {
    await server.stop()
    await hook.close()
  })

  it('is taken by the real one, once however often it is told, and its end is told on', async () => {
    const sink = alertmanager({ url: `${server.url}/` })
    expect(sink.refreshMs).toBeLessThan(5 * 60_000)
    const since = new Date().toISOString()
    for (let n = 0; n < 3; n += 1)
      expect(await send(sink, { ...firing, since })).toMatchObject({ isTaken: true })
    const alerts = await (await fetch(`${server.url}/api/v2/alerts`)).json()
    expect(alerts).toMatchObject([
      {
        labels: { alertname: 'SyncproofFinding', pair: 'candidate', severity: 'high', owner: 'team-hiring' },
        annotations: { summary: firing.title },
        status: { state: 'active' },
      },
    ])
    await expect.poll(() => hook.told.map(({ status }) => status), { timeout: 20_000 }).toEqual(['firing'])
    await send(sink, { ...resolved, since, at: new Date().toISOString() })
    await expect
      .poll(() => hook.told.map(({ status }) => status), { timeout: 20_000 })
      .toEqual(['firing', 'resolved'])
  })
})

it('every sink is named in the page about alerts', () => {
  const page = readFileSync(new URL('../../../docs/alerts.md', import.meta.url), 'utf8')
  for (const name of ['sentry', 'pagerduty', 'slack', 'webhook', 'alertmanager'])
    expect(page).toContain(`\`${name}(`)
})

/** The parts of an envelope: headers, then for each item its header and itself, a line each. */
function envelopeOf(body: string) {
  const [header = '{}', itemHeader = '{}', item = '{}'] = body.split('\n')
  return { header: JSON.parse(header), type: JSON.parse(itemHeader).type, item: JSON.parse(item) }
}
