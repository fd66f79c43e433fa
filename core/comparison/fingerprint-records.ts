import { auto, type FieldRule, type FieldRules, type Fingerprinter, isIgnored } from '../contract/index.ts'
import type { SourceRecord } from './record-source.ts'

/** A record reduced to what is compared, staged and shown: no values. */
export interface FingerprintedRecord {
  readonly key: string
  /** Field name to fingerprint. */
  readonly fields: Readonly<Record<string, string>>
}

export interface RecordRules {
  readonly entityType: string
  readonly fingerprinter: Fingerprinter
  /** The pair's own rules. Such a field is in every result, so that its absence can differ. */
  readonly declared?: FieldRules | undefined
  /** Rules by the types of the source's fields, for fields that are not declared; both sides use the same. */
  readonly byType?: FieldRules | undefined
}

/** Reduces records of either side of a pair to fingerprints. Both sides must use the same rules.
 *  A field that is not declared is in the result only where the record has it: then it is compared only
 *  where both have it. Names are taken as they are: `first_name` and `firstName` are two fields. */
export function recordFingerprinter(rules: RecordRules): (record: SourceRecord) => FingerprintedRecord {
  const { entityType, fingerprinter } = rules
  const declared = new Map(Object.entries(rules.declared ?? {}))
  const byType = new Map(Object.entries(rules.byType ?? {}))
  const always = [...declared].filter(([, rule]) => !isIgnored(rule))

  return (record) => {
    const prefix = fingerprinter.prefix({ type: entityType, id: record.key })
    const fields: Record<string, string> = Object.create(null)
    const add = (name: string, rule: FieldRule, value: unknown) => {
      fields[name] = fingerprinter.field(prefix, name, rule.canonical(value), rule.id)
    }
    for (const [name, rule] of always) {
      add(name, rule, Object.hasOwn(record.fields, name) ? record.fields[name] : undefined)
    }
    for (const [name, value] of Object.entries(record.fields)) {
      if (value === undefined || declared.has(name)) continue
      const rule = byType.get(name) ?? auto
      if (!isIgnored(rule)) add(name, rule, value)
    }
    return { key: record.key, fields }
  }
}
