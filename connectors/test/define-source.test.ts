import { ListingError } from '@syncproof/core/comparison'
import { expect, it } from 'vitest'
import { ConfigError, defineSource, type SourceDefinition } from '../src/index.ts'
import { listed, signal } from './api.ts'

const people = [
  { id: 2, name: 'Bob', at: { city: 'Ulm' } },
  { id: '10', name: 'Ada', at: { city: 'Bonn' } },
]
const open = (more: Partial<SourceDefinition> = {}) =>
  defineSource({
    name: 'our CRM',
    key: 'id',
    async *list() {
      yield* people
    },
    ...more,
  }).open()

it('code of the user lists records, one by one or in lists, and names their fields', async () => {
  const expected = [
    { key: '2', fields: { name: 'Bob', at: { city: 'Ulm' }, city: 'Ulm' } },
    { key: '10', fields: { name: 'Ada', at: { city: 'Bonn' }, city: 'Bonn' } },
  ]
  const fields = { city: '$.at.city' }
  expect(await listed(open({ fields }))).toMatchObject(expected)
  const inLists = open({
    fields,
    async *list() {
      yield people
      yield []
    },
  })
  expect(await listed(inLists)).toMatchObject(expected)
})

it('code of the user reads one record, says that there is none, and counts', async () => {
  const source = open({
    get: async (key) => people.find(({ id }) => String(id) === key) ?? null,
    count: async () => 2,
  })
  expect(await source.get?.('2', signal)).toMatchObject({ key: '2', fields: { name: 'Bob' } })
  expect(await source.get?.('3', signal)).toBeUndefined()
  expect(await source.count?.(signal)).toBe(2)
  expect(open().get).toBeUndefined()
})

it('code of the user that counts more than it lists has not listed all', async () => {
  const counts = [3, 2, 3, 3]
  const source = open({ count: async () => counts.shift() ?? 0 })
  expect(await listed(source)).toHaveLength(2)
  await expect(listed(source)).rejects.toMatchObject({ code: 'truncated' })
})

it.each<[string, string, Partial<SourceDefinition>]>([
  [
    'throws',
    'page_failed',
    {
      // biome-ignore lint/correctness/useYield: it throws before
      async *list() {
        throw new Error('503 from the CRM\nwith a body')
      },
    },
  ],
  [
    'refuses for a reason of its own',
    'truncated',
    {
      async *list() {
        yield people
        throw new ListingError('truncated', 'The export broke off.')
      },
    },
  ],
  [
    'yields what is no record',
    'unexpected_shape',
    {
      async *list() {
        yield 'Ada' as never
      },
    },
  ],
  [
    'yields a record without its key',
    'key_missing',
    {
      async *list() {
        yield { name: 'Ada' }
      },
    },
  ],
  ['returns nothing to iterate over', 'unexpected_shape', { list: (() => undefined) as never }],
])('code of the user that %s ends in %s', async (_, code, more) => {
  const listing = listed(open(more))
  await expect(listing).rejects.toMatchObject({ name: 'ListingError', code })
  await expect(listing).rejects.not.toThrow(/with a body/)
})

it('code of the user that returns another record than it was asked for is not believed', async () => {
  const source = open({ get: async () => people[0], count: async () => 1.5 })
  await expect(source.get?.('10', signal)).rejects.toMatchObject({ code: 'unexpected_shape' })
  await expect(source.count?.(signal)).rejects.toMatchObject({ code: 'unexpected_shape' })
})

it('a definition that is wrong is refused with its mend', () => {
  expect(() => open({ list: 5 as never })).toThrow(/defineSource\.list: must be a function, not a number/)
  expect(() => open({ key: undefined as never })).toThrow(/defineSource\.key: is missing/)
  expect(() => open({ lst: 1 } as never)).toThrow(ConfigError)
})
