import { eventSchemas } from '@syncproof/core/contract/schema'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { membersJson } from './event-json.ts'
import type { Members } from './reporter.ts'
import { TextMap } from './text-map.ts'

const kinds = ['operation_started', 'read', 'write', 'sync', 'operation_finished', 'section_left'] as const
const EVERY_EVENT = new Set(['id', 'seq', 'kind', 'operation_id', 'at', 'monotonic_us'])

const text = fc.string({ unit: 'binary' })
const map = fc.dictionary(text, text)
const anything = fc.oneof(text, fc.integer(), fc.boolean(), map, fc.array(text), map.map(TextMap.of))
/** Members that the SDK makes itself are spelled as what they are. */
const OWN: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  root_operation_id: fc.uuid(),
  outcome: fc.constantFrom('ok', 'rejected', 'unknown', 'failed'),
  found: fc.boolean(),
  name: text,
  system: text,
  action: text,
  intent: text,
  guard: text,
}

/** Every member that the contract's schema names, with any value; those that may be absent, absent at times. */
function anyMembers(kind: (typeof kinds)[number]) {
  const { shape } = eventSchemas[kind] as unknown as { shape: Record<string, { isOptional(): boolean }> }
  const names = Object.keys(shape).filter((name) => !EVERY_EVENT.has(name))
  const values = names.map((name) => {
    const value = OWN[name] ?? anything
    return [name, shape[name]?.isOptional() ? fc.option(value, { nil: undefined }) : value] as const
  })
  return fc.record(Object.fromEntries(values))
}

it.each(kinds)(
  '%s: every member of the contract is told as it is, and what is absent is left out',
  (kind) => {
    fc.assert(
      fc.property(anyMembers(kind), (members) => {
        const json = `{${membersJson(kind, members as unknown as Members<typeof kind>).slice(1)}}`
        expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify(members)))
      }),
    )
  },
)

it('whatever an app in plain JavaScript passes for an option, the event is JSON, or none is made', () => {
  const members = { system: 'db', entity: { type: 't', id: '1' }, found: true, fields: {} }
  for (const wrong of [() => 1, Symbol('x'), 1n, Number.NaN, { a: [null, undefined] }, '"', new Date(0)]) {
    const json = membersJson('read', { ...members, version: wrong } as unknown as Members<'read'>)
    expect(JSON.parse(`{${json.slice(1)}}`)).toMatchObject(members)
    try {
      const guarded = membersJson('write', { ...members, guard: wrong } as unknown as Members<'write'>)
      expect(JSON.parse(`{${guarded.slice(1)}}`)).toMatchObject({ system: 'db' })
    } catch (error) {
      expect([typeof wrong, error]).toEqual(['symbol', expect.any(TypeError)])
    }
  }
})
