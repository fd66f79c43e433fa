import { createFingerprinter, decimal, type FieldRules, instant, json, text } from '../contract/index.ts'
import { date, set } from '../contract/more-fields.ts'
import { compareRecords, type Difference, judgeFingerprints } from './compare.ts'
import { recordFingerprinter } from './fingerprint-records.ts'
import { compareKeys } from './key-order.ts'
import { recordJudge } from './record-judge.ts'
import type { SourceRecord } from './record-source.ts'

export interface SelfTestResult {
  readonly passed: boolean
  /** Names of the drifts that were not found, or of the equal records that were called different. */
  readonly missed: readonly string[]
}

/** What records go through: to fingerprints where they are staged, and by their values where both sides are at hand. */
export interface RecordPath {
  readonly recordFingerprinter: typeof recordFingerprinter
  readonly compareRecords: typeof compareRecords
  readonly recordJudge: typeof recordJudge
}

/** Plants one drift of each kind, and a few records that only look different, in synthetic listings, and sends
 *  them through the same fingerprints, the same values and the same merge as the run's own records. A run whose self-test
 *  fails says nothing about its pair. `fingerprintKey` and `path` are the run's. */
export async function selfTest(
  fingerprintKey: string,
  path: RecordPath = { recordFingerprinter, compareRecords, recordJudge },
): Promise<SelfTestResult> {
  const fingerprint = path.recordFingerprinter({
    entityType: 'self-test',
    fingerprinter: createFingerprinter(fingerprintKey),
    declared: rules,
  })
  const side = async function* <T>(at: 'source' | 'target', as: (record: SourceRecord) => T) {
    const records = Object.entries(plants)
      .sort(byName)
      .flatMap(([name, plant]) => {
        const fields = plant[at]
        return fields ? [as(record(name, fields, plant.deleted === at))] : []
      })
    for (let from = 0; from < records.length; from += PAGE_RECORDS) {
      yield records.slice(from, from + PAGE_RECORDS)
    }
  }
  const itself = (one: SourceRecord) => one
  const judge = path.recordJudge({ declared: rules })
  const missed = new Set<string>()
  for (const suspects of [
    path.compareRecords(side('source', fingerprint), side('target', fingerprint), judgeFingerprints).suspects,
    path.compareRecords(side('source', itself), side('target', itself), judge).suspects,
  ]) {
    const found = new Map<string, Difference>()
    for await (const batch of suspects) for (const suspect of batch) found.set(suspect.key, suspect)
    for (const [name, plant] of Object.entries(plants))
      if (seen(found.get(name)) !== plant.expected) missed.add(name)
  }
  return { passed: missed.size === 0, missed: [...missed] }
}

/** Few, so that what is planted stands at the ends of pages, too. */
const PAGE_RECORDS = 3

const rules: FieldRules = {
  text: text(),
  code: text(),
  amount: decimal({ scale: 6 }),
  at: instant({ precision: 'us' }),
  list: json(),
  day: date(),
  tags: set(text()),
}

type Fields = SourceRecord['fields']

interface Plant {
  readonly source?: Fields
  readonly target?: Fields
  /** The side that keeps the record and calls it deleted. */
  readonly deleted?: 'source' | 'target'
  readonly expected: string
}

const AGREE = 'agree'

/** By what was planted; the names are the keys of the records. */
const plants: Readonly<Record<string, Plant>> = {
  'missing record': { source: { text: 'a' }, expected: 'missing-in-target:' },
  'unexpected record': { target: { text: 'a' }, expected: 'unexpected-in-target:' },
  'first record of a page left out': { source: { text: 'b' }, expected: 'missing-in-target:' },
  'last record of a page left out': { source: { text: 'c' }, expected: 'missing-in-target:' },
  'deleted in the target': {
    ...{ source: { text: 'a' }, target: { text: 'a' } },
    ...{ deleted: 'target', expected: 'missing-in-target:' },
  },
  'deleted in the source': {
    ...{ source: { text: 'a' }, target: { text: 'a' } },
    ...{ deleted: 'source', expected: 'unexpected-in-target:' },
  },
  'a day': differing('day', '2024-02-28', '2024-02-29'),
  'an item of a set': differing('tags', ['a', 'b'], ['a', 'c']),
  'lookalike letters': differing('text', '\ufb01', 'fi'),
  'changed text': differing('text', 'Ada', 'Bob'),
  'null against empty': differing('text', null, ''),
  'null against the word': differing('text', null, 'null'),
  'absent against null': differing('text', undefined, null),
  'value moved to the next field': {
    source: { text: 'a', code: 'bc' },
    target: { text: 'ab', code: 'c' },
    expected: 'field-mismatch:code,text',
  },
  'delimiter in a list': differing('list', ['p|q', 'r'], ['p', 'q|r']),
  'letter case': differing('text', 'ada', 'Ada'),
  'cut off at 255': differing('text', 'a'.repeat(256), 'a'.repeat(255)),
  'last digit past 2^53': differing('amount', '9007199254740993', '9007199254740992'),
  'decimal precision': differing('amount', '1.000001', '1'),
  microsecond: differing('at', '2026-01-01T00:00:00.000001Z', '2026-01-01T00:00:00Z'),
  'number against text': differing('list', 0, '0'),
  'same: unicode form': agreeing('text', 'e\u0301', '\u00e9'),
  'same: decimal notation': agreeing('amount', '1.50', 1.5),
  'same: instant in another zone': agreeing('at', '2026-01-01T02:00:00+02:00', '2026-01-01 00:00:00+00'),
  'same: order of a set': agreeing('tags', ['a', 'b'], ['b', 'a']),
  'same: order of members': agreeing('list', { a: 1, b: 2 }, { b: 2, a: 1 }),
}

function differing(field: string, source: unknown, target: unknown): Plant {
  return { source: { [field]: source }, target: { [field]: target }, expected: `field-mismatch:${field}` }
}

function agreeing(field: string, source: unknown, target: unknown): Plant {
  return { source: { [field]: source }, target: { [field]: target }, expected: AGREE }
}

function seen(suspect: Difference | undefined): string {
  if (suspect === undefined) return AGREE
  return `${suspect.kind}:${[...suspect.fields, ...suspect.incomparable.map((name) => `${name}?`)].join(',')}`
}

function record(key: string, fields: Fields, isDeleted: boolean): SourceRecord {
  const deleted = isDeleted ? { deleted: true as const } : undefined
  return { key, fields, observedAt: '1970-01-01T00:00:00.000Z', ...deleted }
}

function byName(a: readonly [string, Plant], b: readonly [string, Plant]): number {
  return compareKeys(a[0], b[0])
}
