import { describe, expect, it } from 'vitest'
import {
  createFingerprinter,
  decimal,
  defineFields,
  ignore,
  integer,
  text,
  UNREADABLE,
} from '../contract/index.ts'
import { judgeFingerprints } from './compare.ts'
import { type FingerprintRules, recordFingerprinter } from './fingerprint-records.ts'
import type { SourceRecord } from './record-source.ts'

const at = '2026-01-01T00:00:00.000Z'
const record = (fields: SourceRecord['fields'], key = '1'): SourceRecord => ({ key, fields, observedAt: at })

function reduce(options: Partial<FingerprintRules> = {}) {
  return recordFingerprinter({
    entityType: 'candidate',
    fingerprinter: createFingerprinter('key'),
    ...options,
  })
}

const verdict = (
  rules: Partial<FingerprintRules>,
  source: SourceRecord['fields'],
  target: SourceRecord['fields'],
) => {
  const suspect = judgeFingerprints(reduce(rules)(record(source)), reduce(rules)(record(target)))
  return suspect && { fields: suspect.fields, incomparable: suspect.incomparable }
}

describe('a record as fingerprints', () => {
  it('holds no values', () => {
    const { fields } = reduce()(record({ email: 'ada@example.com' }))
    expect(JSON.stringify(fields)).not.toContain('ada')
  })

  it('differs by entity type, key and field name, so that equal values cannot be linked', () => {
    const one = reduce()(record({ a: 'x', b: 'x' })).fields
    expect(one.a).not.toBe(one.b)
    expect(one.a).not.toBe(reduce()(record({ a: 'x' }, '2')).fields.a)
    expect(one.a).not.toBe(reduce({ entityType: 'user' })(record({ a: 'x' })).fields.a)
  })

  it('compares a field without a rule by the source’s type for it', () => {
    expect(verdict({ byType: { score: integer() } }, { score: '12' }, { score: 12 })).toBeUndefined()
    expect(verdict({}, { score: '12' }, { score: 12 })).toEqual({ fields: ['score'], incomparable: [] })
  })

  it('compares a declared field by its own rule, whatever its type', () => {
    const rules = { declared: { name: text({ case: 'lower' }) }, byType: { name: text() } }
    expect(verdict(rules, { name: 'Ada' }, { name: 'ADA' })).toBeUndefined()
  })

  it('calls a declared field that only one side has a difference, and absent another thing than null', () => {
    const declared = defineFields({ name: text() })
    expect(verdict({ declared }, { name: 'Ada' }, {})?.fields).toEqual(['name'])
    expect(verdict({ declared }, { name: null }, {})?.fields).toEqual(['name'])
    expect(verdict({ declared }, {}, {})).toBeUndefined()
  })

  it('calls absent and null the same where the rule says so', () => {
    expect(verdict({ declared: { name: text({ absentIsNull: true }) } }, { name: null }, {})).toBeUndefined()
  })

  it('leaves out a field without a rule that only one side has', () => {
    expect(verdict({}, { name: 'Ada', secret: 'x' }, { name: 'Ada' })).toBeUndefined()
  })

  it('leaves out ignored fields', () => {
    expect(reduce({ declared: { name: ignore() } })(record({ name: 'Ada' })).fields).toEqual({})
  })

  it('does not guess that first_name is firstName', () => {
    expect(verdict({}, { first_name: 'Ada' }, { firstName: 'Bob' })).toBeUndefined()
  })

  it('makes a value unreadable that its rule cannot read', () => {
    expect(
      reduce({ declared: { amount: decimal({ scale: 2 }) } })(record({ amount: 'many' })).fields.amount,
    ).toBe(UNREADABLE)
  })

  it('reads members named like those of every object as fields', () => {
    const hostile = JSON.parse('{"__proto__":"x","constructor":"y"}')
    expect(Object.keys(reduce()(record(hostile)).fields)).toEqual(['__proto__', 'constructor'])
  })
})
