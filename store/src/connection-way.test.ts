import { afterEach, expect, test, vi } from 'vitest'
import { connectionWay } from './connection-way.ts'

afterEach(() => {
  vi.unstubAllEnvs()
})

const way = (end: string) => connectionWay(`postgres://u@db.example/x${end}`)
const open = { host: 'db.example', isEncrypted: false }
const blind = { host: 'db.example', isEncrypted: true, isVerified: false }
const safe = { host: 'db.example', isEncrypted: true, isVerified: true }

test.each([
  ['', open],
  ['?sslmode=disable', open],
  ['?sslmode=no-verify', blind],
  ['?ssl=no-verify', blind],
  ['?uselibpqcompat=true&sslmode=require', blind],
  ['?sslmode=require', safe],
  ['?sslmode=verify-full', safe],
  ['?ssl=true', safe],
])('a URL that ends in "%s" says how it is connected', (end, expected) => {
  expect(way(end)).toMatchObject(expected)
})

test('where the URL says nothing the environment does', () => {
  vi.stubEnv('PGSSLMODE', 'verify-full')
  vi.stubEnv('PGHOST', 'elsewhere')
  expect([way(''), connectionWay('postgres:///x').host]).toMatchObject([safe, 'elsewhere'])
  vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0')
  expect(way('')).toMatchObject(blind)
})

test('a Unix socket is its folder', () => {
  expect(connectionWay('postgres://u@%2Fvar%2Frun/x').host).toBe('/var/run')
  expect(connectionWay('postgres://u@/x?host=/tmp').host).toBe('/tmp')
})
