import { expect, it } from 'vitest'
import { compareRecords } from './compare.ts'
import { recordFingerprinter } from './fingerprint-records.ts'
import { selfTest } from './self-test.ts'

it('finds every drift that it plants, and calls equal what only looks different', async () => {
  expect(await selfTest('any key')).toEqual({ passed: true, missed: [] })
})

it('names what a comparer misses that takes null for empty text', async () => {
  const { passed, missed } = await selfTest('any key', {
    compareRecords,
    recordFingerprinter(rules) {
      const reduce = recordFingerprinter(rules)
      return (record) => {
        const emptied = Object.entries(record.fields).map(([name, value]) => [name, value ?? ''])
        return reduce({ ...record, fields: Object.fromEntries(emptied) })
      }
    },
  })
  expect(passed).toBe(false)
  expect(missed).toContain('null against empty')
})

it('names what a comparer misses that stops at the shorter listing', async () => {
  const { missed } = await selfTest('any key', {
    recordFingerprinter,
    compareRecords(source, target, judgeFingerprints) {
      const comparison = compareRecords(source, target, judgeFingerprints)
      const without = async function* () {
        for await (const batch of comparison.suspects) {
          yield batch.filter(({ kind }) => kind !== 'missing-in-target')
        }
      }
      return { ...comparison, suspects: without() }
    },
  })
  expect(missed).toEqual(['missing record'])
})
