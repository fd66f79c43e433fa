import { ignore, text } from '@syncproof/core/contract'
import { describe, expect, it } from 'vitest'
import {
  ConfigError,
  cursor,
  defineConfig,
  env,
  http,
  link,
  parseDuration,
  postgres,
  validateConfig,
} from './index.ts'

const source = postgres({ url: 'postgres://localhost/app', table: 'candidates', key: 'id' })
const target = http({ url: 'https://ats.example/candidates', key: 'externalRef' })
const pair = { source, target }
const FILE = 'syncproof.config.ts'

const sink = { name: 'slack', send: async () => {} }
const day = (days: number) => new Date(Date.UTC(2026, 11, days)).toISOString()
const withWindow = (more: object) => ({
  pairs: { candidate: pair },
  maintenance: [{ from: day(1), until: day(2), reason: 'import', ...more }],
})

function refusal(make: () => unknown): ConfigError {
  try {
    make()
  } catch (error) {
    if (error instanceof ConfigError) return error
    throw error
  }
  throw new Error('it was accepted')
}

describe('a configuration', () => {
  it('as documented is accepted', () => {
    const config = defineConfig({
      pairs: {
        candidate: {
          source: postgres({
            url: 'postgres://u:p@localhost/app',
            table: 'candidates',
            key: 'id',
            version: 'version',
          }),
          target: http({
            url: 'https://ats.example/candidates',
            records: '$.data',
            key: 'externalRef',
            next: cursor('$.next'),
            get: '/candidates/{key}',
            rate: '10/s',
          }),
          fields: { name: text(), updatedAt: ignore() },
          every: '15m',
          grace: '2m',
          owner: 'team-hiring',
          entityId: 'hashed',
        },
      },
    })
    expect(validateConfig(config, FILE)).toBe(config)
  })

  it.each([
    ['pairs.candidate.evry', 'Did you mean `every`?', { pairs: { candidate: { ...pair, evry: '15m' } } }],
    ['pairs.candidate.every', '15m', { pairs: { candidate: { ...pair, every: '15 minutes' } } }],
    ['pairs.candidate.every', 'at least 1s', { pairs: { candidate: { ...pair, every: '5ms' } } }],
    ['pairs.candidate.grace', 'duration', { pairs: { candidate: { ...pair, grace: 5 } } }],
    ['pairs.candidate.target', 'missing', { pairs: { candidate: { source } } }],
    [
      'pairs.candidate.source',
      'postgres({ … })',
      { pairs: { candidate: { ...pair, source: 'postgres://hush' } } },
    ],
    ['pairs.candidate.fields', "'name'", { pairs: { candidate: { ...pair, fields: { name: 'text' } } } }],
    [
      'pairs.candidate.invariants',
      'not in this release',
      { pairs: { candidate: { ...pair, invariants: {} } } },
    ],
    ['pairs.candidate.entityId', "'hashed'", { pairs: { candidate: { ...pair, entityId: 'sha256' } } }],
    ['pairs.candidate.entityId', "'hashed'", { pairs: { candidate: { ...pair, entityId: true } } }],
    ['pairs.a/b', 'Rename', { pairs: { 'a/b': pair } }],
    ['pairs', 'no pair', { pairs: {} }],
    ['pairs', 'missing', {}],
    ['alerts', 'must be a list', { pairs: { candidate: pair }, alerts: {} }],
    ['alerts[0]', 'must be a sink', { pairs: { candidate: pair }, alerts: ['slack'] }],
    ['alerts[1]', "second sink called 'slack'", { pairs: { candidate: pair }, alerts: [sink, sink] }],
    ['operations.sync.owner', 'is missing', { pairs: { candidate: pair }, operations: { sync: {} } }],
    ['maintenance[0].reason', 'is missing', withWindow({ reason: undefined })],
    ['maintenance[0].until', 'after `from`', withWindow({ until: day(1) })],
    ['maintenance[0].until', 'within 30 days', withWindow({ until: day(40) })],
    ['maintenance[0].from', 'with its offset', withWindow({ from: '2026-12-01 20:00' })],
    ['maintenance[0].pairs', 'names no pair', withWindow({ pairs: ['other'] })],
    ['pars', 'Did you mean `pairs`?', { pars: {} }],
  ])('with a fault at %s names file, key and mend', (path, mend, config) => {
    const error = refusal(() => validateConfig(config, FILE))
    expect(error.path).toBe(path)
    expect(error.message).toMatch(`${FILE}: ${path}: `)
    expect(error.message).toContain(mend)
    expect(error.message).not.toContain('hush')
  })

  it.each([[undefined], [null], ['x'], [[]]])('that is no object is refused: %j', (config) => {
    expect(refusal(() => validateConfig(config, FILE)).message).toContain('export default defineConfig')
  })
})

describe('an option of a connector', () => {
  const pg = { url: 'postgres://localhost/app', table: 't', key: 'id' }
  const api = { url: 'https://ats.example/people', key: 'id' }
  it.each<[string, string, () => unknown]>([
    ['postgres.key', 'missing', () => postgres({ ...pg, key: undefined as unknown as string })],
    ['postgres.tabel', 'Did you mean `table`?', () => postgres({ ...pg, tabel: 't' } as typeof pg)],
    ['postgres.url', 'postgres://', () => postgres({ ...pg, url: 'mysql://hush' })],
    ['postgres', 'either', () => postgres({ table: 't', key: 'id' } as typeof pg)],
    ['postgres.pool', 'connect()', () => postgres({ pool: {} as never, table: 't', key: 'id' })],
    ['postgres.timestampZone', "'UTC'", () => postgres({ ...pg, timestampZone: 'Mars/Base' })],
    ['http.url', 'whole of it', () => http({ ...api, url: '/people' })],
    ['http.url', 'basic(', () => http({ ...api, url: 'https://u:hush@ats.example' })],
    ['http.url', 'http://', () => http({ ...api, url: 'file:///etc/hush' })],
    ['http.get', '{key}', () => http({ ...api, get: '/people/' })],
    ['http.rate', '10/s', () => http({ ...api, rate: '10' })],
    ['http.rate', '10/s', () => http({ ...api, rate: '0/s' })],
    ['http.timeout', '15m', () => http({ ...api, timeout: 'soon' })],
    ['http.records', '$.data.items', () => http({ ...api, records: '$..data[*]' })],
    ['http.next', 'link()', () => http({ ...api, next: link as never })],
    ['http.headers', "'a'", () => http({ ...api, headers: { a: 1 as never } })],
    ['http.headers', 'HTTP', () => http({ ...api, headers: { 'a b': 'hush' } })],
  ])('%s that is wrong is refused with its mend', (path, mend, make) => {
    const error = refusal(make)
    expect(error.path).toBe(path)
    expect(error.message).toContain(mend)
    expect(error.message).not.toContain('hush')
  })
})

describe('env', () => {
  it('gives the variable, and refuses one that is unset or empty by its name', () => {
    process.env.SYNCPROOF_TEST_SET = 'x'
    process.env.SYNCPROOF_TEST_EMPTY = ''
    expect(env('SYNCPROOF_TEST_SET')).toBe('x')
    expect(refusal(() => env('SYNCPROOF_TEST_EMPTY')).message).toContain('SYNCPROOF_TEST_EMPTY is empty')
    expect(refusal(() => env('SYNCPROOF_TEST_UNSET')).message).toContain('SYNCPROOF_TEST_UNSET is not set')
  })
})

describe('a duration', () => {
  it.each([
    ['500ms', 500],
    ['2s', 2_000],
    ['15m', 900_000],
    ['1.5h', 5_400_000],
    ['1d', 86_400_000],
    ['0s', 0],
  ])('%s is %d ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms)
  })

  it.each(['', '5', '-1s', '1 s', '1w', 's', '1e3s'])('%j is none', (text) => {
    expect(() => parseDuration(text)).toThrow(ConfigError)
  })
})
