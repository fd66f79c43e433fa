import { expect, test } from 'vitest'
import { said } from './testing/said.ts'
import {
  certificateChecks,
  databaseTlsChecks,
  isLocal,
  plainCheck,
  redisTlsChecks,
  redisWay,
} from './tls-checks.ts'

const DAY_MS = 86_400_000
const here = { tls: null, from: '127.0.0.1' }
const tls = { tls: 'TLSv1.3', from: '10.0.0.7' }
const open = { host: 'db.example', isEncrypted: false, isVerified: true }
const safe = { ...open, isEncrypted: true }
const blind = { ...safe, isVerified: false }

test.each([
  'localhost',
  'app.localhost',
  '127.0.0.1',
  '127.8.0.1',
  '[::1]',
  '::1',
  '',
  '/var/run/postgresql',
])('"%s" is this machine', (host) => {
  expect(isLocal(host)).toBe(true)
})

test.each(['db', '10.0.0.1', '128.0.0.1', 'localhost.example', '127.example', '[::2]'])(
  '%s is another machine',
  (host) => {
    expect(isLocal(host)).toBe(false)
  },
)

test('a database on another machine is to be talked to in secret, and known by its certificate', () => {
  expect(said(databaseTlsChecks(safe, tls))).toEqual([
    'pass: The database: encrypted (TLSv1.3), and its certificate is checked.',
  ])
  expect(databaseTlsChecks(open, { ...tls, tls: null })).toMatchObject([
    { state: 'warn', mend: expect.stringContaining('sslmode=verify-full') },
  ])
  expect(said(databaseTlsChecks(blind, tls))).toEqual([
    'warn: The database: encrypted, and nobody checks that it is db.example: who is on the way can take its place.',
  ])
})

test('a database on this machine may be talked to as it is', () => {
  const local = { ...open, host: '127.0.0.1' }
  expect(said(databaseTlsChecks(local, here))).toEqual([
    'pass: The database: not encrypted, and on this machine.',
  ])
  expect(said(databaseTlsChecks({ ...blind, host: 'localhost' }, tls))).toEqual([
    'pass: The database: encrypted (TLSv1.3), and on this machine.',
  ])
})

test('a pooler that goes on unencrypted is seen by what the server says', () => {
  expect(said(databaseTlsChecks(safe, { tls: null, from: '10.0.0.9' }))).toEqual([
    'warn: The database: encrypted as far as a pooler, and not from there (10.0.0.9) to PostgreSQL.',
  ])
  // one that runs beside the server
  expect(said(databaseTlsChecks(safe, here))[0]).toMatch(/^pass/)
})

test('Redis likewise', () => {
  const check = (url: string, env = {}) => said(redisTlsChecks(redisWay(url, env)))[0]
  expect(check('redis://:pa55@cache.example:6379')).toBe(
    'warn: Redis: what goes to cache.example and back is not encrypted: who is on the way reads it.',
  )
  expect(check('rediss://cache.example')).toMatch(/^pass: Redis: encrypted, /)
  expect(check('rediss://cache.example', { NODE_TLS_REJECT_UNAUTHORIZED: '0' })).toMatch(/^warn: .*nobody/)
  expect(check('redis://127.0.0.1')).toBe('pass: Redis: not encrypted, and on this machine.')
})

test('and the collector', () => {
  expect(said([plainCheck('http://u:pa55@syncproof.internal:4319')])).toEqual([
    'warn: The collector: http://syncproof.internal:4319 is not encrypted: who is on the way reads keys and events.',
  ])
  expect(said([plainCheck('http://localhost:4319')])[0]).toMatch(/^pass/)
})

test('a certificate is to be trusted, and for three weeks more', () => {
  const nowMs = Date.UTC(2026, 10, 27)
  const check = (days: number, distrust?: string) =>
    certificateChecks('TLS', 'It', { distrust, endsMs: nowMs + days * DAY_MS, protocol: 'TLSv1.3' }, nowMs)
  expect(said(check(22))).toEqual(['pass: It: TLSv1.3, and its certificate is good until 2026-12-19.'])
  expect(said(check(20))).toEqual(['warn: It: its certificate ends in 20 days, on 2026-12-17.'])
  // what is over is over, whoever made it
  expect(said(check(-1, 'CERT_HAS_EXPIRED'))).toEqual([
    'fail: It: its certificate is over since 2026-11-26: nobody who checks it connects.',
  ])
  expect(check(90, 'DEPTH_ZERO_SELF_SIGNED_CERT')).toMatchObject([
    {
      state: 'fail',
      what: 'It: its certificate is not trusted: DEPTH_ZERO_SELF_SIGNED_CERT.',
      mend: expect.stringContaining('NODE_EXTRA_CA_CERTS'),
    },
  ])
  expect(check(20, 'ERR_TLS_CERT_ALTNAME_INVALID')).toMatchObject([
    { state: 'fail', mend: expect.stringContaining('name that is in its certificate') },
    { state: 'warn' },
  ])
})
