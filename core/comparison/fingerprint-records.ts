import { auto, type FieldRule, type FieldRules, type Fingerprinter, isIgnored } from '../contract/index.ts'
import type { SourceRecord } from './record-source.ts'

/** A record reduced to what may be staged and shown: no values. */
export interface FingerprintedRecord {
  readonly key: string
  /** Field name to fingerprint. */
  readonly fields: Readonly<Record<string, string>>
  readonly version?: string | undefined
  readonly deleted?: true | undefined
}

/** Which fields of a pair's records are compared, and how. Both sides use the same. */
export interface RecordRules {
  /** The pair's own rules. Such a field is compared on every record, so that its absence can differ. */
  readonly declared?: FieldRules | undefined
  /** Rules by the types of the source's fields, for fields that are not declared: they are compared on records where both
   *  sides have them. Names are taken as they are: `first_name` and `firstName` are two fields. */
  readonly byType?: FieldRules | undefined
}

export interface FingerprintRules extends RecordRules {
  readonly entityType: string
  readonly fingerprinter: Fingerprinter
}

/** Reduces records of either side of a pair to fingerprints. A declared field is in every result, any other where the
 *  record has it. */
export function recordFingerprinter(rules: FingerprintRules): (record: SourceRecord) => FingerprintedRecord {
  const { entityType, fingerprinter } = rules
  const declared = declaredRules(rules)
  const ruleOf = undeclaredRule(rules)

  return (record) => {
    const prefix = fingerprinter.prefix({ type: entityType, id: record.key })
    const fields: Record<string, string> = Object.create(null)
    const add = (name: string, rule: FieldRule, value: unknown) => {
      fields[name] = fingerprinter.field(prefix, name, rule.canonical(value), rule.id)
    }
    for (const [name, rule] of declared) add(name, rule, fieldValue(record, name))
    for (const [name, value] of Object.entries(record.fields)) {
      const rule = value === undefined ? undefined : ruleOf(name)
      if (rule) add(name, rule, value)
    }
    return { key: record.key, fields, version: record.version, deleted: record.deleted }
  }
}

/** Names and rules of fields that are on every record. */
export function declaredRules({ declared = {} }: RecordRules): readonly (readonly [string, FieldRule])[] {
  return Object.entries(declared).filter(([, rule]) => !isIgnored(rule))
}

/** The rule of a field that is compared where both sides have it; undefined where it is declared, or not compared. */
export function undeclaredRule({
  declared = {},
  byType = {},
}: RecordRules): (name: string) => FieldRule | undefined {
  const known = new Map<string, FieldRule | undefined>(Object.entries(byType))
  for (const name of Object.keys(declared)) known.set(name, undefined)
  for (const [name, rule] of known) if (rule && isIgnored(rule)) known.set(name, undefined)
  return (name) => (known.has(name) ? known.get(name) : auto)
}

export function fieldValue({ fields }: SourceRecord, name: string): unknown {
  return Object.hasOwn(fields, name) ? fields[name] : undefined
}
