import { auto, type FieldRules, isIgnored } from '../contract/index.ts'
import { type Comparison, compareRecords } from './compare.ts'
import { compareDigests } from './compare-digests.ts'
import type { DigestOffer } from './digests.ts'
import type { RecordRules } from './fingerprint-records.ts'
import type { KeyOrder, KeyRange } from './key-range.ts'
import { recordJudge } from './record-judge.ts'
import type { RecordSource, SourceRecord } from './record-source.ts'

/** Compares two sides that list in key order, where they are hashed by both sides themselves by digests, else record by
 *  record. With digests the suspects come in no order.
 *  @param range of an order that both offer; undefined for all records
 *  @throws ListingError in `suspects` */
export function compareSides(
  source: RecordSource,
  target: RecordSource,
  rules: RecordRules,
  range: KeyRange | undefined,
  signal: AbortSignal,
): Comparison<SourceRecord> {
  const judge = recordJudge(rules)
  const byRecords = (part: KeyRange | undefined) =>
    compareRecords(recordsOf(source, part, signal), recordsOf(target, part, signal), judge)
  let comparison: Comparison<SourceRecord> | undefined
  async function* suspects() {
    const plan = await planDigests(source, target, rules, range, signal)
    comparison = plan ? compareDigests({ ...plan, judge, byRecords }, signal) : byRecords(range)
    yield* comparison.suspects
  }
  return {
    suspects: suspects(),
    counts: () => comparison?.counts() ?? { source: 0, target: 0, agreed: 0, suspects: 0 },
  }
}

async function* recordsOf(
  side: RecordSource,
  range: KeyRange | undefined,
  signal: AbortSignal,
): AsyncGenerator<readonly SourceRecord[]> {
  for await (const { records } of side.list(signal, { range })) {
    signal.throwIfAborted()
    yield records
  }
}

/** Which digests of the two sides can be held against each other. */
export interface DigestPlan {
  readonly source: DigestOffer
  readonly target: DigestOffer
  readonly range: KeyRange
  readonly fields: readonly string[]
}

/** Undefined where a field that is to be compared cannot be hashed alike by both. */
async function planDigests(
  source: RecordSource,
  target: RecordSource,
  rules: RecordRules,
  range: KeyRange | undefined,
  signal: AbortSignal,
): Promise<DigestPlan | undefined> {
  if (!source.digests || !target.digests) return undefined
  const all = { ...rules.byType, ...rules.declared }
  const [one, other] = await Promise.all([source.digests(all, signal), target.digests(all, signal)])
  if (!one || !other || one.method !== other.method || one.key !== other.key) return undefined
  const order = range?.order ?? commonOrder(one.orders, other.orders)
  if (order === undefined || !one.orders.includes(order) || !other.orders.includes(order)) return undefined
  const fields = comparedFields(one, other, rules)
  const alike = fields.every((name) => {
    const encoding = one.fields.get(name)
    return encoding !== undefined && encoding === other.fields.get(name)
  })
  return alike
    ? { source: one, target: other, fields, range: range ?? { order, from: null, to: null } }
    : undefined
}

/** The first that both offer. */
export function commonOrder(one: readonly KeyOrder[], other: readonly KeyOrder[]): KeyOrder | undefined {
  return one.find((order) => other.includes(order))
}

/** As `recordJudge` has it: declared ones on every record, others where both sides have them. A declared one that
 *  neither side has is absent from all records, and so the same. */
function comparedFields(one: DigestOffer, other: DigestOffer, { declared = {}, byType = {} }: RecordRules) {
  const isCompared = (name: string, rules: FieldRules) => !isIgnored(rules[name] ?? auto)
  const named = Object.keys(declared).filter(
    (name) => isCompared(name, declared) && (one.has.has(name) || other.has.has(name)),
  )
  const common = [...one.has].filter(
    (name) => other.has.has(name) && !Object.hasOwn(declared, name) && isCompared(name, byType),
  )
  return [...named, ...common].sort()
}
