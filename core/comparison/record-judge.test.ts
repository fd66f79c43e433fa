import fc from 'fast-check'
import { expect, it } from 'vitest'
import { boolean, createFingerprinter, decimal, instant, integer, json, text } from '../contract/index.ts'
import { judgeFingerprints } from './compare.ts'
import { recordFingerprinter } from './fingerprint-records.ts'
import { recordJudge } from './record-judge.ts'

const rules = {
  ...{ text: text(), lower: text({ case: 'lower' }), integer: integer(), decimal: decimal({ scale: 2 }) },
  ...{ boolean: boolean(), instant: instant(), json: json() },
}
const number = fc.oneof(
  fc.integer({ min: -20, max: 20 }),
  fc.double(),
  fc.constantFrom(-0, 1e21, 2 ** 53, 1.5),
)
const value = fc.oneof(
  number,
  number.map(String),
  fc.constantFrom('05', '+5', ' 5', '5.0', '-0', '0', 'A', 'a', 'true', '', null, true, false, '\ud800'),
  fc.constantFrom('2026-01-01T00:00:00Z', '2026-01-01 00:00:00+00', '2026-02-30T00:00:00Z'),
)

it('values are held against each other as their fingerprints would be', () => {
  const judge = recordJudge({ declared: rules })
  const fingerprint = recordFingerprinter({
    declared: rules,
    entityType: 'thing',
    fingerprinter: createFingerprinter('key'),
  })
  const record = (fields: Record<string, unknown>) => ({ key: '1', fields, observedAt: '' })
  fc.assert(
    fc.property(value, value, fc.boolean(), (a, b, alike) => {
      const [one, other] = [a, alike ? a : b].map((shared) =>
        record(Object.fromEntries(Object.keys(rules).map((name) => [name, shared]))),
      )
      if (!one || !other) return
      expect(judge(one, other)).toEqual(judgeFingerprints(fingerprint(one), fingerprint(other)))
    }),
    { numRuns: 5_000 },
  )
})
