import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { createSyncproof, type Syncproof, type SyncproofWarning } from '../src/index.ts'
import { type RecordingServer, recordingServer } from './recording-server.ts'

let server: RecordingServer
let syncproof: Syncproof
let warnings: SyncproofWarning[]

beforeEach(async () => {
  server = await recordingServer()
  warnings = []
  syncproof = createSyncproof({
    service: 'test',
    url: server.url,
    fingerprintKey: 'k',
    onWarning: (warning) => warnings.push(warning),
  })
})
afterEach(async () => {
  await syncproof.shutdown()
  await server.close()
})

const entity = (id: string) => ({ type: 'thing', id })
const kinds = () => server.events().map((event) => event.kind)

it('a wrapped function returns what it returned, sync or async', async () => {
  const sync = syncproof.wrap((id: string) => `${id}!`, { entity })
  const async = syncproof.wrap(async (id: string) => `${id}?`, { entity })
  expect(sync('a')).toBe('a!')
  expect(async('a')).toBeInstanceOf(Promise)
  expect(await async('a')).toBe('a?')
})

it('a wrapped function throws the very error that it threw', async () => {
  const error = new Error('mine')
  const sync = syncproof.wrap(
    (_id: string) => {
      throw error
    },
    { entity },
  )
  const async = syncproof.wrap((_id: string) => Promise.reject(error), { entity })
  expect(() => sync('a')).toThrow(error)
  await expect(async('a')).rejects.toBe(error)
  await syncproof.flush()
  expect(server.ofKind('operation_finished').map((event) => event.outcome)).toEqual(['failed', 'failed'])
})

it('this, statics, name, length and new stay', () => {
  function Counter(this: { n: number }, by: number) {
    this.n += by
    return this.n
  }
  Counter.version = 3
  const wrapped = syncproof.wrap(Counter, { entity: () => ({ type: 'counter', id: '1' }) })
  expect(wrapped.call({ n: 1 }, 2)).toBe(3)
  expect([wrapped.version, wrapped.name, wrapped.length]).toEqual([3, 'Counter', 1])
})

it('methods of a class run with its private members, and arrow functions with the this around them', async () => {
  class Store {
    readonly #rows = new Map<string, number>()
    async save(id: string, n: number) {
      this.#rows.set(id, n)
      return this
    }
    readonly load = syncproof.wrap((id: string) => this.#rows.get(id), { entity })
    static open = syncproof.wrap((_id: string) => new Store(), { entity })
  }
  Store.prototype.save = syncproof.wrap(Store.prototype.save, { entity })
  const store = Store.open('a')
  expect(await store.save('a', 1)).toBe(store)
  expect(store.load('a')).toBe(1)
  await syncproof.flush()
  expect(server.ofKind('operation_started').map((event) => event.name)).toEqual([
    'anonymous',
    'save',
    'anonymous',
  ])
})

it('a constructor makes what it made, and only its calls as a function are operations', async () => {
  const WrappedDate = syncproof.wrap(Date, { entity: () => ({ type: 'date', id: '1' }) })
  expect(new WrappedDate(0)).toEqual(new Date(0))
  expect(new WrappedDate(0)).toBeInstanceOf(Date)
  expect(WrappedDate.UTC(1970)).toBe(0)
  expect(typeof WrappedDate()).toBe('string')
  await syncproof.flush()
  expect(server.ofKind('operation_started')).toHaveLength(1)
})

it.each([undefined, null, 0, 'text', Object.freeze({ name: 'frozen' }), Symbol('s')])(
  'whatever is thrown comes out as it is: %s',
  async (thrown) => {
    const sync = syncproof.wrap(
      (_id: string) => {
        throw thrown
      },
      { entity },
    )
    const async = syncproof.wrap((_id: string) => Promise.reject(thrown), { entity })
    let caught: unknown = 'nothing'
    try {
      sync('a')
    } catch (error) {
      caught = error
    }
    expect(caught).toBe(thrown)
    expect(await async('a').catch((error: unknown) => ({ error }))).toEqual({ error: thrown })
  },
)

it('a lazy thenable starts when it is awaited, once, inside the operation', async () => {
  const started = vi.fn()
  const lazy = () => ({
    // biome-ignore lint/suspicious/noThenProperty: what query builders return
    then(resolve: (value: number) => void) {
      started()
      syncproof.sync('ats', { a: 1 }, () => {})
      resolve(7)
    },
  })
  const wrapped = syncproof.wrap((_id: string) => lazy(), { entity })
  const result = wrapped('a')
  expect(started).not.toHaveBeenCalled()
  expect(await result).toBe(7)
  expect(started).toHaveBeenCalledTimes(1)
  await syncproof.flush()
  expect(kinds()).toEqual(['operation_started', 'sync', 'operation_finished'])
})

it('nested calls name their parent and their root, also across awaits', async () => {
  const leaf = syncproof.wrap(async (_id: string) => {}, { entity, name: 'leaf' })
  const middle = syncproof.wrap(
    async (id: string) => {
      await new Promise((resolve) => setImmediate(resolve))
      await leaf(id)
    },
    { entity, name: 'middle' },
  )
  await syncproof.wrap((id: string) => middle(id), { entity, name: 'top' })('a')
  await syncproof.flush()
  const [top, mid, low] = server.ofKind('operation_started')
  expect([top?.name, mid?.name, low?.name]).toEqual(['top', 'middle', 'leaf'])
  expect(top).toMatchObject({ root_operation_id: top?.operation_id })
  expect(top?.parent_operation_id).toBeUndefined()
  expect(mid).toMatchObject({ parent_operation_id: top?.operation_id, root_operation_id: top?.operation_id })
  expect(low).toMatchObject({ parent_operation_id: mid?.operation_id, root_operation_id: top?.operation_id })
  expect(server.ofKind('operation_finished').map(({ calls }) => calls)).toEqual([undefined, 1, 1])
})

it('what was begun and not awaited is counted as in flight', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  syncproof.wrap(
    (_id: string) => {
      void syncproof.sync('ats', {}, () => promise)
    },
    { entity },
  )('a')
  resolve()
  await promise
  await syncproof.flush()
  expect(server.ofKind('operation_finished')).toMatchObject([{ in_flight: 1 }])
})

it('marks outside a wrapped call only run their callback', async () => {
  expect(syncproof.read('db', () => 1)).toBe(1)
  expect(await syncproof.write('db', {}, async () => 2)).toBe(2)
  expect(syncproof.sync('ats', {}, () => 3)).toBe(3)
  await syncproof.flush()
  expect(server.events()).toEqual([])
})

it('a call without an entity runs as it is, is not reported, and its caller never counts as complete', async () => {
  const silent = syncproof.wrap(
    (_id: string) => {
      syncproof.sync('ats', {}, () => {})
      return 'done'
    },
    {
      entity: () => {
        throw new Error('no id')
      },
    },
  )
  expect(syncproof.wrap((id: string) => silent(id), { entity, name: 'caller' })('a')).toBe('done')
  await syncproof.flush()
  expect(kinds()).toEqual(['operation_started', 'operation_finished'])
  expect(server.ofKind('operation_finished')).toMatchObject([{ in_flight: 1 }])
  expect(warnings.map((warning) => warning.code)).toEqual(['no_entity'])
})

it('a generator function is left alone', () => {
  function* numbers(_id: string) {
    yield 1
  }
  expect(syncproof.wrap(numbers, { entity })).toBe(numbers)
  expect(warnings.map((warning) => warning.code)).toEqual(['generator_not_wrapped'])
})

it('marks without a helper report read, write and sync of the same record', async () => {
  const seconds = () => ({ cut: Math.floor(Date.now() / 1000), rounded: Math.round(Date.now() / 1000) })
  const run = syncproof.wrap(
    async (id: string, updates: { name: string }) => {
      const row = await syncproof.read('db', async () => ({ id, name: 'Ann', n: 1, version: 4 }), {
        version: (found) => found.version,
      })
      const merged = {
        ...row,
        ...updates,
        n: row.n + 1,
        version: row.version + 1,
        at: new Date(),
        ...seconds(),
      }
      await syncproof.write('db', merged, async () => {}, {
        version: (written) => written.version,
        guard: 'version',
        counter: ['n'],
      })
      await syncproof.sync('ats', merged, async () => {})
    },
    { entity, syncs: ['ats', { system: 'search', async: true }], intent: 'optimistic' },
  )
  await run('a', { name: 'Bea' })
  await syncproof.flush()
  expect(server.ofKind('operation_started')).toMatchObject([
    { intent: 'optimistic', attempt: 1, syncs: [{ system: 'ats' }, { system: 'search', async: true }] },
  ])
  const [read] = server.ofKind('read')
  const [write] = server.ofKind('write')
  const [sync] = server.ofKind('sync')
  expect(read?.version).toMatch(/^declared\/db\/thing\/a\/4$/)
  expect(write).toMatchObject({
    base_version: read?.version,
    known_versions: [read?.version],
    version: 'declared/db/thing/a/5',
    base_fields: read?.fields,
    guard: 'version',
    assigned: {
      id: 'supplied',
      name: 'supplied',
      n: 'counter',
      version: 'value',
      at: 'last_write_wins',
      cut: 'last_write_wins',
      rounded: 'last_write_wins',
    },
  })
  expect(write?.overwritten_version).toBeUndefined()
  expect(sync).toMatchObject({ version: write?.version, fields: write?.fields })
})

it('tries of one payload are counted, and a definite status alone is a rejection', async () => {
  const failing = (status: number) => () => {
    throw Object.assign(new Error('x'), { response: { status } })
  }
  syncproof.wrap(
    (_id: string) => {
      for (const status of [500, 409, 422]) {
        expect(() => syncproof.sync('ats', { a: 1 }, failing(status))).toThrow('x')
      }
      expect(() => syncproof.sync('ats', { a: 2 }, failing(404), { action: 'delete' })).toThrow('x')
      syncproof.sync('ats', { a: 3 }, () => new Response('', { status: 400 }))
      syncproof.sync('ats', { a: 4 }, () => new Response('', { status: 202 }))
      syncproof.sync('ats', { a: 5, status: 404 }, () => ({ status: 404 }))
    },
    { entity },
  )('a')
  await syncproof.flush()
  expect(server.ofKind('sync').map(({ outcome, attempt, status }) => [attempt, status, outcome])).toEqual([
    [1, 500, 'unknown'],
    [2, 409, 'unknown'],
    [3, 422, 'unknown'],
    [1, 404, 'unknown'],
    [1, 400, 'rejected'],
    [1, 202, 'unknown'],
    [1, undefined, 'ok'],
  ])
})

it('a hostile record costs its fields, never the call', async () => {
  const cycle: Record<string, unknown> = {}
  cycle.self = cycle
  const record = {
    fine: 1,
    big: 2n ** 80n,
    get trap(): never {
      throw new Error('trap')
    },
    cycle,
    huge: 'x'.repeat(50 * 1024 * 1024),
    when: new Date(Number.NaN),
    proxy: new Proxy(
      {},
      {
        ownKeys() {
          throw new Error('proxy')
        },
      },
    ),
    'nul\u0000': 1,
  }
  const broken = new Proxy(record, {
    ownKeys() {
      throw new Error('whole')
    },
  })
  const run = syncproof.wrap(
    (_id: string, _given: unknown) => {
      syncproof.write('db', record, () => 'written')
      return syncproof.sync('ats', broken, () => 'sent')
    },
    { entity },
  )
  expect(run('a', broken)).toBe('sent')
  await syncproof.flush()
  const fields = server.ofKind('write')[0]?.fields ?? {}
  const unreadable = Object.keys(fields).filter((field) => fields[field] === '!')
  expect(Object.keys(fields)).toEqual(['fine', 'big', 'trap', 'cycle', 'huge', 'when', 'proxy'])
  expect(unreadable).toEqual(['trap', 'cycle', 'huge', 'when', 'proxy'])
  expect(server.ofKind('sync')[0]?.fields).toEqual({})
  expect(warnings.map((warning) => warning.code)).toEqual(['unreadable_field'])
})

it('no value of a record leaves the process, not in an error message either', async () => {
  const canary = 'canary-7f3a'
  const run = syncproof.wrap(
    (_id: string, record: object) => {
      syncproof.write('db', record, () => {})
      throw Object.assign(new Error(`refused ${canary}`), { code: 'E_REFUSED' })
    },
    { entity },
  )
  expect(() => run('a', { name: canary, deep: [{ canary }] })).toThrow(canary)
  await syncproof.flush()
  expect(JSON.stringify(server.requests)).not.toContain('7f3a')
  expect(server.ofKind('operation_finished')).toMatchObject([
    { error: { type: 'Error', message: 'code E_REFUSED' } },
  ])
})
