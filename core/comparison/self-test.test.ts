import { describe, expect, it } from 'vitest'
import type { FieldRules } from '../contract/index.ts'
import { compareRecords, type Keyed } from './compare.ts'
import { recordFingerprinter } from './fingerprint-records.ts'
import { recordJudge } from './record-judge.ts'
import type { SourceRecord } from './record-source.ts'
import { type RecordPath, selfTest } from './self-test.ts'

const whole: RecordPath = { recordFingerprinter, compareRecords, recordJudge }

it('finds every drift that it plants, and calls equal what only looks different', async () => {
  expect(await selfTest('any key')).toEqual({ passed: true, missed: [] })
})

/** A path that changes every value before anything else sees it: by fingerprints, or by values. */
const changing = (change: (value: unknown) => unknown) => {
  const changed = (record: SourceRecord): SourceRecord => ({
    ...record,
    fields: Object.fromEntries(Object.entries(record.fields).map(([name, value]) => [name, change(value)])),
  })
  const fingerprints: RecordPath = {
    ...whole,
    recordFingerprinter: (rules) => {
      const reduce = recordFingerprinter(rules)
      return (record) => reduce(changed(record))
    },
  }
  const values: RecordPath = {
    ...whole,
    recordJudge: (rules) => {
      const judge = recordJudge(rules)
      return (source, target) => judge(source && changed(source), target && changed(target))
    },
  }
  return { fingerprints, values }
}

const ofText = (change: (text: string) => unknown) => (value: unknown) =>
  typeof value === 'string' ? change(value) : value

describe.each(['fingerprints', 'values'] as const)('of a comparer by %s that', (by) => {
  it.each<[string, (value: unknown) => unknown, string]>([
    ['takes null for empty text', (value) => value ?? '', 'null against empty'],
    [
      'takes the word null for null',
      ofText((text) => (text === 'null' ? null : text)),
      'null against the word',
    ],
    ['ignores case', ofText((text) => text.toLowerCase()), 'letter case'],
    ['cuts text at 255', ofText((text) => text.slice(0, 255)), 'cut off at 255'],
    [
      'reads numbers as floats',
      ofText((text) => (/^\d{10,}$/.test(text) ? Number(text) : text)),
      'last digit past 2^53',
    ],
    [
      'joins lists by a delimiter',
      (value) => (Array.isArray(value) ? value.join('|') : value),
      'delimiter in a list',
    ],
    ['folds lookalikes', ofText((text) => text.normalize('NFKC')), 'lookalike letters'],
    ['rounds instants', ofText((text) => text.replace(/\.\d+Z$/, 'Z')), 'microsecond'],
  ])('%s, it names what that misses', async (_, change, name) => {
    const { passed, missed } = await selfTest('any key', changing(change)[by])
    expect(passed).toBe(false)
    expect(missed).toContain(name)
  })
})

describe('of a comparer that', () => {
  const keeping = (keep: (at: number, length: number) => boolean): RecordPath => ({
    ...whole,
    compareRecords(source, target, judge) {
      const partly = async function* <T extends Keyed>(batches: AsyncIterable<readonly T[]>) {
        for await (const batch of batches) yield batch.filter((_, at) => keep(at, batch.length))
      }
      return compareRecords(partly(source), partly(target), judge)
    },
  })

  it.each([
    ['leaves out the first record of a page', keeping((at) => at > 0)],
    ['leaves out the last record of a page', keeping((at, length) => at < length - 1)],
    [
      'stops at the shorter listing',
      {
        ...whole,
        compareRecords<T extends Keyed>(...sides: Parameters<typeof compareRecords<T>>) {
          const comparison = compareRecords(...sides)
          const without = async function* () {
            for await (const batch of comparison.suspects) {
              yield batch.filter(({ kind }) => kind !== 'missing-in-target')
            }
          }
          return { ...comparison, suspects: without() }
        },
      } satisfies RecordPath,
    ],
    [
      'does not know deleted records',
      {
        ...whole,
        recordFingerprinter: (rules) => {
          const reduce = recordFingerprinter(rules)
          return ({ deleted: _, ...record }) => reduce(record)
        },
      } satisfies RecordPath,
    ],
    [
      'compares only the fields that both sides have',
      {
        ...whole,
        recordJudge: (rules) => recordJudge({ byType: rules.declared as FieldRules }),
      } satisfies RecordPath,
    ],
  ])('%s, it does not pass', async (_, path) => {
    const { passed, missed } = await selfTest('any key', path)
    expect([passed, missed.length > 0]).toEqual([false, true])
  })
})
