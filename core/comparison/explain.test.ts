import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { StoredEvent, SyncEvent, WriteEvent } from '../contract/index.ts'
import { explainDivergence, type Known } from './explain.ts'

const entity = { type: 'candidate', id: '42' }
const print = (value: string) => `key.rule.${value}`
const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString()

let seq = 0
const base = (operation_id: string, second: number) => {
  seq += 1
  const id = `00000000-0000-7000-8000-${String(seq).padStart(12, '0')}`
  return { id, seq, at: at(second), monotonic_us: second * 1e6, operation_id, process_id: 'p', entity }
}
const write = (operation: string, second: number, name: string, more: Partial<WriteEvent> = {}) =>
  ({
    ...base(operation, second),
    ...{ kind: 'write', system: 'db', action: 'update', known_versions: [], assigned: {}, guard: 'none' },
    ...{ fields: { name: print(name) }, outcome: 'ok', ...more },
  }) as StoredEvent
const sync = (operation: string, second: number, name: string, more: Partial<SyncEvent> = {}) =>
  ({
    ...base(operation, second),
    ...{
      kind: 'sync',
      system: 'ats',
      action: 'update',
      attempt: 1,
      fields: { name: print(name) },
      outcome: 'ok',
    },
    ...{ duration_us: 100_000, ...more },
  }) as StoredEvent

const observed = (name: string | undefined) => ({
  system: 's',
  observed_at: at(60),
  found: name !== undefined,
  fields: name === undefined ? {} : { name: print(name) },
})
const explained = (
  source: string | undefined,
  target: string | undefined,
  events: StoredEvent[],
  known: Partial<Known> = {},
) =>
  explainDivergence(
    {
      kind:
        source === undefined
          ? 'unexpected-in-target'
          : target === undefined
            ? 'missing-in-target'
            : 'field-mismatch',
      fields: source !== undefined && target !== undefined ? ['name'] : [],
      source: observed(source),
      target: observed(target),
    },
    { events, isWhole: true, system: undefined, ...known },
  )

describe('two systems differ on a field', () => {
  it.each<[string, string, string | undefined, StoredEvent[]]>([
    [
      'nothing carried the write',
      'never-attempted',
      'b',
      [write('a', 1, 'old'), sync('a', 2, 'old'), write('b', 3, 'new')],
    ],
    [
      'the system refused it',
      'rejected',
      'b',
      [write('b', 1, 'new'), sync('b', 2, 'new', { outcome: 'rejected', status: 422 })],
    ],
    [
      'the system said yes and kept what it had',
      'acknowledged-then-lost',
      'b',
      [write('a', 1, 'old'), sync('a', 2, 'old'), write('b', 3, 'new'), sync('b', 4, 'new')],
    ],
    [
      'the system said yes and kept what was in the row',
      'acknowledged-then-lost',
      'b',
      [write('b', 3, 'new', { overwritten_fields: { name: print('old') } }), sync('b', 4, 'new')],
    ],
    [
      'an older value was sent after the newer one',
      'applied-out-of-order',
      'a',
      [write('a', 1, 'old'), write('b', 2, 'new'), sync('b', 3, 'new'), sync('a', 4, 'old')],
    ],
    [
      'an older value was still on its way',
      'applied-out-of-order',
      'a',
      [
        write('a', 1, 'old'),
        sync('a', 2, 'old', { duration_us: 5e6 }),
        write('b', 3, 'new'),
        sync('b', 4, 'new'),
      ],
    ],
    [
      'the target has what nobody sent',
      'overwritten-from-outside',
      undefined,
      [write('b', 3, 'new'), sync('b', 4, 'new')],
    ],
    [
      'the source has what nobody wrote',
      'changed-by-silent-writer',
      undefined,
      [write('a', 1, 'before'), sync('a', 2, 'before')],
    ],
  ])('because %s: %s', (_, cause, operationId, events) => {
    expect(explained('new', 'old', events)).toMatchObject({ cause, verdict: 'observed', operationId })
  })

  it.each<[string, StoredEvent[], Partial<Known>, RegExp]>([
    ['no event tells of it', [], {}, /No event tells/],
    [
      'the answer was never learned',
      [write('b', 1, 'new'), sync('b', 2, 'new', { outcome: 'unknown' })],
      {},
      /never learned/,
    ],
    [
      'the app has another rule for the field',
      [write('b', 1, 'new', { fields: { name: 'key.other.new' } })],
      {},
      /another rule or key/,
    ],
    [
      'it goes to several systems, and nobody said which is the target',
      [write('b', 1, 'new'), sync('b', 2, 'new'), sync('b', 3, 'new', { system: 'crm' })],
      {},
      /ats and crm.*`system`/,
    ],
  ])('and nobody can say why where %s', (_, events, known, sentence) => {
    expect(explained('new', 'old', events, known)).toMatchObject({
      cause: 'unknown',
      verdict: 'indeterminate',
      sentence: expect.stringMatching(sentence),
    })
  })

  it('a write that was rolled back, and a sync to another system, count for nothing', () => {
    const events = [
      write('b', 1, 'new'),
      write('c', 2, 'other', { outcome: 'rejected' }),
      sync('b', 3, 'new', { system: 'crm' }),
      sync('a', 0, 'old'),
    ]
    expect(explained('new', 'old', events, { system: 'ats' }).cause).toBe('never-attempted')
    expect(explained('new', 'old', events, { system: 'crm' }).cause).toBe('overwritten-from-outside')
  })
})

describe('one system alone has the record', () => {
  it.each<[string, string, 'source' | 'target', StoredEvent[]]>([
    ['it was never sent', 'never-attempted', 'source', [write('a', 1, 'x', { action: 'create' })]],
    [
      'it was refused',
      'rejected',
      'source',
      [
        write('a', 1, 'x', { action: 'create' }),
        sync('a', 2, 'x', { action: 'create', outcome: 'rejected' }),
      ],
    ],
    [
      'it was acknowledged and is gone',
      'acknowledged-then-lost',
      'source',
      [write('a', 1, 'x'), sync('a', 2, 'x')],
    ],
    [
      'an old deletion came late',
      'applied-out-of-order',
      'source',
      [write('a', 1, 'x'), sync('a', 2, 'x'), sync('b', 3, 'x', { action: 'delete' })],
    ],
    ['its deletion was never sent', 'never-attempted', 'target', [write('a', 1, 'x', { action: 'delete' })]],
    [
      'it was sent again after its deletion',
      'applied-out-of-order',
      'target',
      [write('a', 1, 'x', { action: 'delete' }), sync('a', 2, 'x', { action: 'delete' }), sync('b', 3, 'x')],
    ],
    [
      'its row was deleted by nobody that reports',
      'changed-by-silent-writer',
      'target',
      [write('a', 1, 'x'), sync('a', 2, 'x')],
    ],
    ['nobody that reports has made it', 'overwritten-from-outside', 'target', []],
  ])('because %s: %s', (_, cause, side, events) => {
    const said = side === 'source' ? explained('x', undefined, events) : explained(undefined, 'x', events)
    expect(said).toMatchObject({ cause, verdict: 'observed' })
  })
})

it('an explanation does not depend on the order of events, and claims nothing where not all are known', () => {
  const kinds = fc.constantFrom('write', 'sync')
  const events = fc
    .array(
      fc.tuple(
        kinds,
        fc.constantFrom('a', 'b', 'c'),
        fc.nat(20),
        fc.constantFrom('old', 'new', 'other'),
        fc.constantFrom('ok', 'rejected', 'unknown'),
      ),
      { maxLength: 8 },
    )
    .map((all) =>
      all.map(([kind, operation, second, name, outcome]) =>
        (kind === 'write' ? write : sync)(operation, second, name, { outcome } as never),
      ),
    )
  fc.assert(
    fc.property(events, fc.infiniteStream(fc.nat()), (all, random) => {
      const shuffled = [...all, ...all].toSorted(() => (random.next().value % 3) - 1)
      expect(explained('new', 'old', shuffled)).toEqual(explained('new', 'old', all))
      const partly = explained('new', 'old', all, { isWhole: false })
      expect(partly.verdict).toBe('indeterminate')
      for (const event of partly.events) expect(all).toContainEqual(event)
    }),
  )
})
