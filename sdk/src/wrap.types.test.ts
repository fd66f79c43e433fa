import { afterAll, expectTypeOf, it } from 'vitest'
import { createSyncproof } from './index.ts'
import { type PostgresTable, postgresTable } from './pg/index.ts'

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
