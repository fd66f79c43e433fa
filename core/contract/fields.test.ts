import { describe, expect, test } from 'vitest'
import { CANONICAL_ABSENT, CANONICAL_NULL } from './canonical-value.ts'
import {
  auto,
  boolean,
  canonicalField,
  decimal,
  defineFields,
  type FieldRule,
  ignore,
  instant,
  integer,
  isIgnored,
  json,
  map,
  text,
} from './fields.ts'

const same: [string, FieldRule, unknown, unknown][] = [
  ['text in upper and lower case', text({ case: 'lower' }), 'Ann@X', 'ann@x'],
  ['text with space around it', text({ trim: true }), ' Ann ', 'Ann'],
  ['text composed and decomposed', text(), 'é', 'e\u0301'],
  ['whole numbers as number, bigint and text', integer(), 42, '42'],
  ['whole numbers past 2^53', integer(), 12345678901234567890n, '12345678901234567890'],
  ['decimals with other zeros', decimal({ scale: 2 }), '1.50', 1.5],
  ['instants with other offsets', instant(), '2026-11-20T14:00:00+02:00', new Date('2026-11-20T12:00:00Z')],
  [
    'instants as PostgreSQL spells them',
    instant(),
    '2026-11-20 12:00:00.123456+00',
    '2026-11-20T12:00:00.123Z',
  ],
  ['instants before 1970', instant({ precision: 's' }), '1969-12-31T23:59:58.900Z', '1969-12-31T23:59:58Z'],
  ['names that differ between systems', map({ A: 'active' }), 'A', 'active'],
  ['JSON with its members in another order', json(), { a: 1, b: [2] }, { b: [2], a: 1 }],
  ['null and absent, where a rule says so', text({ absentIsNull: true }), null, undefined],
]
const different: [string, FieldRule, unknown, unknown][] = [
  ['text in another case', text(), 'Ann', 'ann'],
  [
    'instants a microsecond apart',
    instant({ precision: 'us' }),
    '2026-11-20T12:00:00.000001Z',
    '2026-11-20T12:00:00.000002Z',
  ],
  ['null and absent', text(), null, undefined],
  ['null and the text of it', text(), null, 'null'],
  ['numbers and their text, without a rule', auto, 1, '1'],
  ['true and false', boolean(), true, false],
]
const unreadable: [string, FieldRule, unknown][] = [
  ['a number where text is declared', text(), 7],
  ['a fraction where whole numbers are declared', integer(), 1.5],
  ['more digits than declared, rather than rounded', decimal({ scale: 2 }), '1.505'],
  ['the text of a truth value', boolean(), 'true'],
  ['a time without a zone', instant(), '2026-11-20T12:00:00'],
  ['a day that does not exist', instant(), '2026-02-30T12:00:00Z'],
  ['infinity as PostgreSQL spells it', instant(), 'infinity'],
  ['a number where a name is declared', map({ A: 'active' }), 1],
  ['a number past 2^53', integer(), 2 ** 53],
]

describe('a field rule', () => {
  test.each(same)('makes the same of %s', (_, rule, a, b) => {
    expect(rule.canonical(a)).toBeDefined()
    expect(rule.canonical(a)).toBe(rule.canonical(b))
  })
  test.each(different)('keeps apart %s', (_, rule, a, b) => {
    expect(rule.canonical(a)).not.toBe(rule.canonical(b))
  })
  test.each(unreadable)('cannot read %s', (_, rule, value) => {
    expect(rule.canonical(value)).toBeUndefined()
  })
  test('tells null from absent', () => {
    expect([text().canonical(null), text().canonical(undefined)]).toEqual([CANONICAL_NULL, CANONICAL_ABSENT])
  })
  test('has another id with other options, and the same with the same', () => {
    const ids = [
      text(),
      text({ case: 'lower' }),
      text({ trim: true }),
      integer(),
      decimal({ scale: 1 }),
      decimal({ scale: 2 }),
      map({ A: 'a' }),
      map({ A: 'b' }),
      auto,
      ignore(),
    ].map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    expect(map({ A: 'a', B: 'b' }).id).toBe(map({ B: 'b', A: 'a' }).id)
  })
})

describe('the rules of an entity', () => {
  test('are refused where one is not a rule', () => {
    expect(() => defineFields({ email: 'text' as never })).toThrow("'email' is no field rule")
  })
  test('leave fields that they do not name as they are, even those that every object has', () => {
    expect(canonicalField({ email: text() }, 'constructor', 'x')).toEqual({
      canonical: 's1:x',
      ruleId: 'auto',
    })
  })
  test('can leave a field out', () => {
    expect(isIgnored(ignore())).toBe(true)
    expect(isIgnored(text())).toBe(false)
  })
})
