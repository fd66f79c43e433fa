import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { UNREADABLE } from '../contract/index.ts'
import { compareRecords, judgeFingerprints, type Suspect } from './compare.ts'
import type { FingerprintedRecord } from './fingerprint-records.ts'
import { ListingError } from './listing-error.ts'

const record = (key: string, fields: Record<string, string> = { name: 'k.r.1' }): FingerprintedRecord => ({
  key,
  fields,
})

async function* listing(records: readonly FingerprintedRecord[], batchSize = 2) {
  for (let at = 0; at < records.length; at += batchSize) yield records.slice(at, at + batchSize)
}

async function suspectsOf(
  source: AsyncIterable<readonly FingerprintedRecord[]>,
  target: AsyncIterable<readonly FingerprintedRecord[]>,
) {
  const comparison = compareRecords(source, target, judgeFingerprints)
  const suspects: Suspect<FingerprintedRecord>[] = []
  for await (const batch of comparison.suspects) suspects.push(...batch)
  return { suspects, counts: comparison.counts() }
}

const compared = (source: readonly FingerprintedRecord[], target: readonly FingerprintedRecord[]) =>
  suspectsOf(listing(source), listing(target))

describe('two listings', () => {
  it('of the same records have no suspect', async () => {
    const records = ['a', 'b', 'c'].map((key) => record(key))
    expect(await compared(records, records)).toEqual({
      suspects: [],
      counts: { source: 3, target: 3, agreed: 3, suspects: 0 },
    })
  })

  it('show what is missing, what is unexpected and which fields differ', async () => {
    const { suspects, counts } = await compared(
      [record('a'), record('b', { name: 'k.r.1', city: 'k.r.2' }), record('d')],
      [record('b', { name: 'k.r.9', city: 'k.r.2' }), record('c'), record('d')],
    )
    expect(suspects).toMatchObject([
      { key: 'a', kind: 'missing-in-target', fields: [], incomparable: [] },
      { key: 'b', kind: 'field-mismatch', fields: ['name'], incomparable: [] },
      { key: 'c', kind: 'unexpected-in-target', fields: [], incomparable: [] },
    ])
    expect(counts).toEqual({ source: 3, target: 3, agreed: 1, suspects: 3 })
  })

  it('compare only fields that both sides have', async () => {
    const { suspects } = await compared(
      [record('a', { name: 'k.r.1', password: 'k.r.2' })],
      [record('a', { name: 'k.r.1', ats_id: 'k.r.3' })],
    )
    expect(suspects).toEqual([])
  })

  it.each([
    ['made with another key', 'k1.r.1', 'k2.r.1'],
    ['made by another rule', 'k.r1.1', 'k.r2.1'],
    ['unreadable on one side', UNREADABLE, 'k.r.1'],
    ['unreadable on both sides', UNREADABLE, UNREADABLE],
  ])('never call a field different that is %s', async (_, a, b) => {
    const { suspects } = await compared([record('a', { name: a })], [record('a', { name: b })])
    expect(suspects).toMatchObject([{ key: 'a', kind: 'field-mismatch', fields: [], incomparable: ['name'] }])
  })

  it.each([
    ['keys_not_ordered', ['b', 'a']],
    ['keys_not_ordered', ['a', 'c', 'd', 'b']],
    ['keys_not_ordered', ['\u{1F600}', '\uFF01']],
    ['duplicate_key', ['a', 'b', 'b']],
  ] as const)('are refused as %s rather than misread: %j', async (code, keys) => {
    const broken = keys.map((key) => record(key))
    await expect(compared(broken, [])).rejects.toMatchObject({ name: 'ListingError', code })
    await expect(compared([], broken)).rejects.toMatchObject({ name: 'ListingError', code })
  })

  it('end with the error of the side that fails, and close the other', async () => {
    let closed = false
    async function* failing() {
      yield [record('a')]
      throw new ListingError('truncated', 'ended early')
    }
    async function* endless() {
      try {
        for (let n = 0; ; n += 1) yield [record(`b${String(n).padStart(9, '0')}`)]
      } finally {
        closed = true
      }
    }
    await expect(suspectsOf(failing(), endless())).rejects.toMatchObject({ code: 'truncated' })
    expect(closed).toBe(true)
  })

  it('are exact for any two sets of records in any batches, held against a naive comparison', async () => {
    const side = fc
      .dictionary(
        fc.string({ unit: 'binary', minLength: 1, maxLength: 3 }),
        fc.record({ a: fc.constantFrom('1', '2'), b: fc.constantFrom('1', '2') }),
      )
      .map((records) => new Map(Object.entries(records)))
    await fc.assert(
      fc.asyncProperty(side, side, fc.integer({ min: 1, max: 5 }), async (source, target, batchSize) => {
        const { suspects } = await suspectsOf(
          listing(ordered(source), batchSize),
          listing(ordered(target), 6 - batchSize),
        )
        expect(suspects.map(({ key, kind, fields }) => [key, kind, ...fields])).toEqual(naive(source, target))
      }),
    )
  })
})

type Records = ReadonlyMap<string, { a: string; b: string }>

const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))

function ordered(records: Records): FingerprintedRecord[] {
  return [...records.keys()].sort(byBytes).map((key) => {
    const { a, b } = records.get(key) ?? { a: '', b: '' }
    return record(key, { a: `k.r.${a}`, b: `k.r.${b}` })
  })
}

function naive(source: Records, target: Records): string[][] {
  const keys = [...new Set([...source.keys(), ...target.keys()])].sort(byBytes)
  return keys.flatMap((key) => {
    const s = source.get(key)
    const t = target.get(key)
    if (!t) return [[key, 'missing-in-target']]
    if (!s) return [[key, 'unexpected-in-target']]
    const fields = (['a', 'b'] as const).filter((name) => s[name] !== t[name])
    return fields.length > 0 ? [[key, 'field-mismatch', ...fields]] : []
  })
}
