import { expect, it, vi } from 'vitest'
import { recordedClient } from './recorded-client.ts'

const boom = (): never => {
  throw new Error('boom')
}
const traps = Object.fromEntries(
  Object.getOwnPropertyNames(Reflect)
    .filter((name) => typeof Reflect[name as keyof typeof Reflect] === 'function')
    .map((name) => [name, boom]),
)
const cycle: Record<string, unknown> = { name: 'a' }
cycle.self = cycle
const deep = Array.from({ length: 10_000 }).reduce<object>((inner) => ({ inner }), {})
const revoked = Proxy.revocable({}, {})
revoked.revoke()

/** What is in the record, and what becomes of its field `value`. */
const records: Record<string, [record: object, field: 'marked' | 'read' | 'absent']> = {
  'a getter that throws': [Object.defineProperty({}, 'value', { get: boom, enumerable: true }), 'marked'],
  'a cycle': [{ value: cycle }, 'marked'],
  'a BigInt': [{ value: 2n ** 80n }, 'read'],
  'a Buffer': [{ value: Buffer.from('abc') }, 'read'],
  'a Date that is none': [{ value: new Date(Number.NaN) }, 'marked'],
  'a text of 50 MB': [{ value: 'x'.repeat(50 * 1024 * 1024) }, 'marked'],
  'a text of 50 MB inside': [{ value: { text: 'x'.repeat(50 * 1024 * 1024) } }, 'marked'],
  'a Buffer of 50 MB': [{ value: Buffer.alloc(50 * 1024 * 1024) }, 'marked'],
  'a million numbers': [{ value: Array.from({ length: 1_000_000 }, (_, n) => n) }, 'marked'],
  'ten thousand levels': [{ value: deep }, 'marked'],
  'a member that throws in every trap': [{ value: new Proxy({}, traps) }, 'marked'],
  'a Proxy that throws in every trap': [new Proxy({}, traps), 'absent'],
  'a Proxy that was revoked': [revoked.proxy, 'absent'],
  'a toJSON that throws': [{ value: Object.assign(new Map(), { toJSON: boom }) }, 'marked'],
  'a function and a symbol': [{ value: boom, other: Symbol('a') }, 'marked'],
  'a lone surrogate': [{ value: '\ud83d' }, 'read'],
  'a name that no parser takes': [JSON.parse('{"__proto__":1,"value":1}') as object, 'read'],
}

it.each(Object.entries(records))('%s costs its field, never the call', async (_, [record, field]) => {
  const { server, syncproof, warnings } = await recordedClient()
  const seen: unknown[] = []
  const work = syncproof.wrap(
    (argument: object) => {
      seen.push(argument)
      seen.push(syncproof.read('db', () => record))
      seen.push(syncproof.write('db', record, () => record))
      seen.push(syncproof.sync('ats', record, () => record))
      try {
        syncproof.sync('ats', record, () => {
          throw record
        })
      } catch (error) {
        seen.push(error)
      }
      return record
    },
    { entity: () => ({ type: 'thing', id: 'a' }), name: 'work' },
  )
  const startedMs = performance.now()
  seen.push(work(record))
  expect(performance.now() - startedMs).toBeLessThan(1_000)
  // not toEqual: the matcher would look into it
  expect(seen.map((value) => value === record)).toEqual(Array(6).fill(true))
  expect(await syncproof.flush()).toEqual({ sent: 6, dropped: 0, pending: 0 })
  const [write] = server.ofKind('write')
  expect(write?.fields.value === undefined ? 'absent' : write.fields.value === '!' ? 'marked' : 'read').toBe(
    field,
  )
  const codes = warnings.map(({ code }) => code)
  expect(codes).toEqual(field === 'marked' ? ['unreadable_field'] : [])
})

it('an entity, a version or a rate that throws costs what it was asked for, never the call', async () => {
  const warnings: string[] = []
  const { syncproof } = await recordedClient({
    sampleRate: boom,
    onWarning: ({ code }) => {
      warnings.push(code)
      throw new Error('a handler that throws')
    },
  })
  const unnamed = syncproof.wrap((id: string) => id, { entity: boom })
  const read = syncproof.wrap((id: string) => syncproof.read('db', () => id, { version: boom }), {
    entity: (id) => ({ type: 'thing', id }),
  })
  expect([unnamed('a'), read('b')]).toEqual(['a', 'b'])
  expect(await syncproof.flush()).toEqual({ sent: 3, dropped: 0, pending: 0 })
  expect(warnings).toEqual(['no_entity', 'sample_rate'])
})

it('null in the place of options is none, in a disabled client too', async () => {
  const { server, syncproof } = await recordedClient()
  const none = null as never
  const marks = () => [
    syncproof.read('db', () => 1, none),
    syncproof.write('db', { n: 2 }, () => 2, none),
    syncproof.sync('ats', null, () => 3, none),
  ]
  expect(marks()).toEqual([1, 2, 3])
  expect(syncproof.wrap(marks, { entity: () => ({ type: 'thing', id: 'a' }) })()).toEqual([1, 2, 3])
  expect(syncproof.wrap(() => 4, none)()).toBe(4)
  await syncproof.flush()
  expect(['read', 'write', 'sync'].map((kind) => server.ofKind(kind as 'read').length)).toEqual([1, 1, 1])
  vi.stubEnv('SYNCPROOF_DISABLED', 'true')
  const { syncproof: disabled } = await recordedClient()
  vi.unstubAllEnvs()
  expect(disabled.wrap(() => 5, none)()).toBe(5)
})
