import { expect, test } from 'vitest'
import { redisChecks } from './redis-checks.ts'
import { said } from './testing/said.ts'

const good = {
  ...{ version: '7.0.15', maxmemoryPolicy: 'noeviction', isAppendOnly: true, lastAppend: 'ok' },
  lastSnapshot: 'ok',
}

test('a Redis that keeps what it is given passes', () => {
  expect(said(redisChecks(good))).toEqual([
    'pass: Redis 7.0.15, noeviction, appendonly is on, its last writes succeeded.',
  ])
})

test.each([
  [{ maxmemoryPolicy: 'allkeys-lru' }, 'fail: maxmemory-policy is allkeys-lru'],
  [{ isAppendOnly: false }, 'warn: appendonly is off'],
  [{ lastAppend: 'err' }, 'fail: The last write to its append-only file failed'],
  [{ lastSnapshot: 'err' }, 'fail: Its last snapshot failed'],
  [{ version: '6.0.20' }, 'warn: Redis 6.0.20 is older than the queue is made for.'],
  [{ version: '4.0.14' }, 'fail: Redis 4.0.14 is too old'],
])('%j is told', (facts, expected) => {
  expect(said(redisChecks({ ...good, ...facts }))).toEqual([expect.stringContaining(expected)])
})

test.each(['6.2.0', '6.2.14', '7.0.0', '10.1.0'])('version %s will do', (version) => {
  expect(said(redisChecks({ ...good, version }))[0]).toMatch(/^pass/)
})

test('what it does not say of itself is no fault of it, and no pass', () => {
  const checks = redisChecks({ ...good, isAppendOnly: undefined, maxmemoryPolicy: undefined })
  expect(said(checks)).toEqual(['warn: It does not say maxmemory-policy, appendonly.'])
  expect(checks).toMatchObject([{ unable: true }])
})
