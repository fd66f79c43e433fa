import { expect, test } from 'vitest'
import type { Answer } from './ask/ask-collector.ts'
import { apiKeyCheck, readyChecks } from './collector-checks.ts'
import { sinkChecks } from './sink-checks.ts'
import { said } from './testing/said.ts'

const nowMs = Date.UTC(2026, 10, 27, 12)
const url = 'http://127.0.0.1:4319'
const answer = (status: number, body?: Answer['body'], agoMs = 0): Answer => ({
  ...{ status, body, beforeMs: nowMs, afterMs: nowMs + 20 },
  date: new Date(nowMs - agoMs).toUTCString(),
})
const problem = (status: number, code: string) => answer(status, { code, title: code, detail: 'Why.' })

test('a collector is ready, or says why it is not', () => {
  expect(said(readyChecks(url, answer(200, { status: 'ok' })))).toEqual([
    `pass: ${url} is ready.`,
    'pass: The clocks of the collector and of this machine agree, as far as 1019 ms tell.',
  ])
  expect(said(readyChecks(url, problem(503, 'unavailable')))[0]).toBe(
    `fail: ${url} is not ready: 503 unavailable: Why.`,
  )
  expect(said(readyChecks(url, answer(200, { status: 'ok', replica: 'not_migrated' })))[0]).toMatch(
    /^warn: .*read replica is not: not_migrated/,
  )
  expect(said(readyChecks(url, answer(404)))[0]).toMatch(/^fail: .* with 404 and no Syncproof document/)
  expect(readyChecks(url, 'ECONNREFUSED')).toMatchObject([{ state: 'fail', unable: true }])
})

test('its clock is compared as far as whole seconds tell', () => {
  const clock = (agoMs: number) => said(readyChecks(url, answer(200, { status: 'ok' }, agoMs)))[1]
  expect(clock(3_000)).toMatch(/^pass/)
  expect(clock(5_000)).toBe("warn: The collector's clock is 4 seconds behind this machine's.")
  expect(clock(-60_000)).toBe("fail: The collector's clock is 60 seconds ahead of this machine's.")
})

test('a key is known, or there is a way to a better one', () => {
  expect(said([apiKeyCheck(answer(200, {})), apiKeyCheck(problem(403, 'forbidden'))])).toEqual([
    expect.stringMatching(/^pass: .*may read/),
    expect.stringMatching(/^pass: .*may not read/),
  ])
  for (const code of ['unauthorized', 'malformed_key', 'revoked_key'])
    expect(said([apiKeyCheck(problem(401, code))])[0]).toMatch(new RegExp(`^fail: .*401 ${code}: Why\\.$`))
  expect(apiKeyCheck(problem(429, 'quota_exceeded'))).toMatchObject({ state: 'fail', unable: true })
})

test('a sink is reached or not, and one without an address is not looked at', () => {
  const sink = { name: 'slack', place: 'https://hooks.slack.com' }
  const far = nowMs + 90 * 86_400_000
  const shown = (distrust?: string) =>
    ({ came: 'certificate', shown: { distrust, endsMs: far, protocol: 'TLSv1.3' } }) as const
  const looks = [
    ...sinkChecks(sink, shown(), nowMs),
    ...sinkChecks(sink, shown('SELF_SIGNED_CERT_IN_CHAIN'), nowMs),
    ...sinkChecks(sink, { came: 'nothing', reason: 'ENOTFOUND' }, nowMs),
    ...sinkChecks({ ...sink, place: 'our own' }, undefined, nowMs),
  ]
  expect(said(looks)).toEqual([
    'pass: slack: https://hooks.slack.com can be reached. `syncproof alert test` sends, and proves more.',
    'fail: slack at https://hooks.slack.com: its certificate is not trusted: SELF_SIGNED_CERT_IN_CHAIN.',
    'fail: slack: https://hooks.slack.com cannot be reached: ENOTFOUND.',
    'not looked at: slack has no address: `syncproof alert test` sends',
  ])
})
