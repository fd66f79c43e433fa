import { type } from 'arktype'
import * as v from 'valibot'
import { afterAll, expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import { contract } from './contracts/index.ts'
import { createSyncproof, type EntityTypes } from './index.ts'
import { type PostgresTable, postgresTable } from './pg/index.ts'
import { exclusive } from './section/index.ts'

const syncproof = createSyncproof({
  service: 'types',
  url: 'http://127.0.0.1:9',
  fingerprintKey: 'k',
  flushTimeoutMs: 0,
})
afterAll(() => syncproof.shutdown())

const entity = () => ({ type: 'thing', id: 1 })

it('the entity gets the types of the arguments', () => {
  syncproof.wrap((_id: string, _by?: number) => 1, {
    entity: (id, by) => {
      expectTypeOf(id).toEqualTypeOf<string>()
      expectTypeOf(by).toEqualTypeOf<number | undefined>()
      return { type: 'thing', id }
    },
  })
})

it('a function keeps its type: overloads, generics, this, statics, async and sync', () => {
  function overloaded(a: string): string
  function overloaded(a: number): number
  function overloaded(a: string | number): string | number {
    return a
  }
  const wrapped = syncproof.wrap(overloaded, { entity })
  expectTypeOf(wrapped('a')).toEqualTypeOf<string>()
  expectTypeOf(wrapped(1)).toEqualTypeOf<number>()

  const generic = syncproof.wrap(<T>(value: T): T[] => [value], { entity })
  expectTypeOf(generic(1 as const)).toEqualTypeOf<1[]>()

  function bound(this: { n: number }, by: number): number {
    return this.n + by
  }
  expectTypeOf(syncproof.wrap(bound, { entity })).toEqualTypeOf<typeof bound>()
  // @ts-expect-error: it needs its `this`
  const needsThis = () => syncproof.wrap(bound, { entity })(1)
  expectTypeOf(needsThis).returns.toBeNumber()

  const withStatics = Object.assign(async (a: string) => a, { version: 1 as const })
  expectTypeOf(syncproof.wrap(withStatics, { entity })).toEqualTypeOf<typeof withStatics>()
})

it('methods, arrow functions, constructors and what narrows keep their types', () => {
  class Store {
    readonly #rows = new Map<string, number>()
    save(id: string, n: number): this {
      this.#rows.set(id, n)
      return this
    }
    readonly load = syncproof.wrap(async (id: string) => this.#rows.get(id), { entity })
  }
  expectTypeOf(syncproof.wrap(Store.prototype.save, { entity })).toEqualTypeOf<Store['save']>()
  expectTypeOf<Store['load']>().toEqualTypeOf<(id: string) => Promise<number | undefined>>()
  Store.prototype.save = syncproof.wrap(Store.prototype.save, { entity: (id) => ({ type: 'thing', id }) })
  expectTypeOf(new Store().save('a', 1)).toEqualTypeOf<Store>()

  expectTypeOf(syncproof.wrap(Date, { entity })).toEqualTypeOf<DateConstructor>()
  expectTypeOf(new (syncproof.wrap(Date, { entity }))(0)).toEqualTypeOf<Date>()

  const isText = syncproof.wrap((value: unknown): value is string => typeof value === 'string', { entity })
  expectTypeOf(isText).toEqualTypeOf<(value: unknown) => value is string>()
})

it('generic constraints, defaults, rest and optional parameters stay', () => {
  const pick = <T extends object, K extends keyof T = keyof T>(from: T, ...keys: K[]): Pick<T, K> =>
    Object.fromEntries(keys.map((key) => [key, from[key]])) as Pick<T, K>
  const wrapped = syncproof.wrap(pick, { entity })
  expectTypeOf(wrapped).toEqualTypeOf<typeof pick>()
  expectTypeOf(wrapped({ a: 1, b: 'x' }, 'a')).toEqualTypeOf<Pick<{ a: number; b: string }, 'a'>>()
  // @ts-expect-error: no such key
  const wrongKey = () => wrapped({ a: 1 }, 'c')
  expectTypeOf(wrongKey).returns.toBeObject()

  const optional = syncproof.wrap(async (_id: string, _options?: { dry: boolean }, ..._rest: number[]) => 1, {
    entity,
  })
  expectTypeOf(optional).toEqualTypeOf<
    (_id: string, _options?: { dry: boolean }, ..._rest: number[]) => Promise<number>
  >()
})

it('what is declared gets the types of the arguments', () => {
  interface Job {
    id: string
    tries: number
  }
  syncproof.wrap(async (_job: Job) => {}, {
    entity: ({ id }) => ({ type: 'thing', id }),
    attempt: (job) => {
      expectTypeOf(job).toEqualTypeOf<Job>()
      return job.tries
    },
    retryOf: (job) => job.id,
    idempotencyKey: (job) => job.id,
    onBehalfOf: (job) => job.id,
    contract: contract({ input: z.tuple([z.object({ id: z.string(), tries: z.number() })]) }),
  })
  // @ts-expect-error: an attempt is a number
  const wrongAttempt = () => syncproof.wrap((_job: Job) => {}, { entity, attempt: (job) => job.id })
  expectTypeOf(wrongAttempt).returns.toEqualTypeOf<(_job: Job) => void>()
})

it('a contract takes schemas of any library with the Standard Schema interface, and no others', () => {
  contract({
    input: z.tuple([z.string()]),
    output: v.object({ id: v.string() }),
    response: { ats: type('string') },
  })
  // @ts-expect-error: no schema
  const wrongSchema = () => contract({ input: { parse: () => true } })
  expect(wrongSchema).toThrow(TypeError)
})

it('a section returns what its function returns', () => {
  const about = { type: 'thing', id: 1 }
  expectTypeOf(exclusive('hire', about, { protection: 'row_lock' }, () => 1 as const)).toEqualTypeOf<1>()
  expectTypeOf(exclusive('hire', about, { protection: 'external' }, async () => 'a')).toEqualTypeOf<
    Promise<string>
  >()
  // @ts-expect-error: no such protection
  exclusive('hire', about, { protection: 'hope' }, () => 1)
})

it('an invariant is asked of a record whose fields are not known, or of the type that it names', () => {
  type Named = { name: string }
  const entities: EntityTypes = {
    thing: {
      invariants: {
        unknown: (record) => {
          expectTypeOf(record).toEqualTypeOf<Readonly<Record<string, unknown>>>()
          return record.name !== null
        },
        named: (record: Named) => record.name.length > 0,
      },
    },
  }
  expectTypeOf(entities).toEqualTypeOf<EntityTypes>()
})

it('marks return what their callback returns', () => {
  expectTypeOf(syncproof.read('db', () => 1)).toEqualTypeOf<number>()
  expectTypeOf(syncproof.write('db', {}, async () => 'a')).toEqualTypeOf<Promise<string>>()
  expectTypeOf(syncproof.sync('ats', {}, () => {})).toEqualTypeOf<void>()
  syncproof.read('db', async (): Promise<{ version: number } | null> => null, {
    version: (row) => {
      expectTypeOf(row).toEqualTypeOf<{ version: number }>()
      return row.version
    },
  })
})

it('a table gives rows of its type', () => {
  interface Row {
    id: string
    n: number
  }
  const table = postgresTable<Row>({ connect: () => Promise.reject(new Error('not used')) }, 'rows', {
    key: 'id',
  })
  expectTypeOf(table).toEqualTypeOf<PostgresTable<Row>>()
  expectTypeOf(table.findUnique).returns.resolves.toEqualTypeOf<Row | null>()
  // @ts-expect-error: no such column
  const wrongColumn = () => table.update({ where: { id: 'a' }, data: { m: 1 } })
  expectTypeOf(wrongColumn).returns.resolves.toEqualTypeOf<Row | null>()
})
