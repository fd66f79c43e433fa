import { text } from '@syncproof/core/contract'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createSyncproof, type SyncproofOptions, type SyncproofWarning } from './index.ts'

afterEach(() => vi.unstubAllEnvs())

const wrong: [string, object | undefined, RegExp][] = [
  ['no options', undefined, /it needs `\{ service \}`/],
  ['no service', {}, /`service` must be the name/],
  ['an empty service', { service: '' }, /`service` must be the name/],
  ['a key of another type', { service: 's', apiKey: 7 }, /`apiKey` must be a string/],
  ['an address that is none', { service: 's', url: 'localhost' }, /'localhost' is not an http\(s\) address/],
  [
    'a negative number',
    { service: 's', flushIntervalMs: -1 },
    /`flushIntervalMs` must be a number, 0 or more/,
  ],
  ['not a number', { service: 's', queueBytesMax: Number.NaN }, /`queueBytesMax` must be/],
  ['an option that there is not', { service: 's', fields: {} }, /`fields` is no option; there are service, /],
  [
    'entities that are a list',
    { service: 's', entities: { thing: 7 } },
    /`entities.thing` must be an object/,
  ],
  [
    'an entity option that there is not',
    { service: 's', entities: { thing: { feilds: {} } } },
    /`entities.thing.feilds` is no option; there are fields, /,
  ],
  [
    'field rules that are none',
    { service: 's', entities: { thing: { fields: { name: 'text' } } } },
    /`entities.thing.fields` must be rules made by `defineFields`/,
  ],
  [
    'invariants that are no functions',
    { service: 's', entities: { thing: { invariants: { positive: true } } } },
    /`entities.thing.invariants` must be functions/,
  ],
  [
    'a way to send ids that there is not',
    { service: 's', entities: { thing: { entityId: 'hash' } } },
    /`entities.thing.entityId` must be 'hashed', or left out/,
  ],
]

describe.each(wrong)('with %s', (_, options, message) => {
  it('createSyncproof says what is wrong', () => {
    expect(() => createSyncproof(options as SyncproofOptions)).toThrow(TypeError)
    expect(() => createSyncproof(options as SyncproofOptions)).toThrow(message)
  })

  it('in production it gives a client that only runs what it is handed, and one warning', async () => {
    vi.stubEnv('NODE_ENV', 'production')
    const warnings: SyncproofWarning[] = []
    const emitted = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const onWarning = (warning: SyncproofWarning) => warnings.push(warning)
    const given = options && { ...options, onWarning }
    const syncproof = createSyncproof(given as unknown as SyncproofOptions)
    const fn = (id: string) => syncproof.sync('ats', {}, () => `${id}!`)
    const wrapped = syncproof.wrap(fn, { entity: (id) => ({ type: 'thing', id }) })
    expect(wrapped('a')).toBe('a!')
    expect(syncproof.operationId()).toBeUndefined()
    expect(await syncproof.flush()).toEqual({ sent: 0, dropped: 0, pending: 0 })
    expect(warnings.length + emitted.mock.calls.length).toBe(1)
    emitted.mockRestore()
  })
})

it('what is left undefined is not given', async () => {
  const thing = { fields: { name: text() }, invariants: undefined, table: 'things', key: 'id' }
  const syncproof = createSyncproof({
    service: 's',
    release: undefined,
    entities: { thing },
    flushTimeoutMs: 0,
  })
  await syncproof.shutdown()
})
