import type { FieldRule } from '../contract/index.ts'
import { type Judge, judgeBy } from './compare.ts'
import { declaredRules, fieldValue, type RecordRules, undeclaredRule } from './fingerprint-records.ts'
import type { SourceRecord } from './record-source.ts'

/** Holds two states of a record against each other by their values, as their fingerprints would be: a twentieth of the
 *  work, where both are at hand at once. */
export function recordJudge(rules: RecordRules): Judge<SourceRecord> {
  const declared = declaredRules(rules)
  const ruleOf = undeclaredRule(rules)
  return judgeBy((source: SourceRecord, target: SourceRecord) => {
    const fields: string[] = []
    const incomparable: string[] = []
    const hold = (name: string, rule: FieldRule, a: unknown, b: unknown) => {
      const held = holdValues(rule, a, b)
      if (held === 'different') fields.push(name)
      else if (held === 'incomparable') incomparable.push(name)
    }
    for (const [name, rule] of declared) hold(name, rule, fieldValue(source, name), fieldValue(target, name))
    for (const name of Object.keys(source.fields)) {
      const a = source.fields[name]
      const b = a === undefined ? undefined : fieldValue(target, name)
      if (b === undefined) continue
      const rule = ruleOf(name)
      if (rule) hold(name, rule, a, b)
    }
    return { fields, incomparable }
  })
}

type Held = 'same' | ReturnType<typeof differing>

function holdValues(rule: FieldRule, a: unknown, b: unknown): Held {
  if (isSurelySame(rule, a, b)) return 'same'
  const one = rule.canonical(a)
  const other = a === b ? one : rule.canonical(b)
  if (one === other && one !== undefined) return 'same'
  return rule.agrees?.(a, b) ? 'same' : differing(one, other)
}

/** Of most values: they are alike, and their rule reads every value of their kind. It costs a tenth of their canonical texts. */
function isSurelySame({ kind }: FieldRule, a: unknown, b: unknown): boolean {
  switch (kind) {
    case 'text':
      return a === b && typeof a === 'string'
    case 'boolean':
      return a === b && typeof a === 'boolean'
    case 'integer':
    case 'decimal':
      // a database tells its numbers as text
      return isWhole(a) ? a === b || b === String(a) : isWhole(b) && a === String(b)
    default:
      return false
  }
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value)
}

function differing(one: string | undefined, other: string | undefined) {
  return one === undefined || other === undefined ? 'incomparable' : 'different'
}
