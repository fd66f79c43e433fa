import {
  auto,
  type FieldRule,
  type FieldRules,
  type Fingerprinter,
  isIgnored,
  UNREADABLE,
} from '../contract/index.ts'
import type { SourceRecord } from './record-source.ts'

/** A record reduced to what is compared. */
export interface ComparableRecord {
  readonly key: string
  /** Field name to one text for its value: all of a fingerprint kind, or all canonical values. `UNREADABLE` where it has
   *  none. */
  readonly fields: Readonly<Record<string, string>>
  readonly version?: string | undefined
  readonly deleted?: true | undefined
}

/** Reduced to fingerprints, which may be kept and shown: no values. */
export type FingerprintedRecord = ComparableRecord

/** Reduced to canonical values, which never leave the process; with the record itself. */
export interface CanonicalRecord extends ComparableRecord {
  readonly record: SourceRecord
}

export interface RecordRules {
  /** The pair's own rules. Such a field is in every result, so that its absence can differ. */
  readonly declared?: FieldRules | undefined
  /** Rules by the types of the source's fields, for fields that are not declared; both sides use the same. */
  readonly byType?: FieldRules | undefined
}

export interface FingerprintRules extends RecordRules {
  readonly entityType: string
  readonly fingerprinter: Fingerprinter
}

/** Reduces records of either side of a pair to fingerprints. Both sides must use the same rules.
 *  A field that is not declared is in the result only where the record has it: then it is compared only
 *  where both have it. Names are taken as they are: `first_name` and `firstName` are two fields. */
export function recordFingerprinter(rules: FingerprintRules): (record: SourceRecord) => FingerprintedRecord {
  const { entityType, fingerprinter } = rules
  const fieldsOf = fieldReader(rules)
  return (record) => {
    const prefix = fingerprinter.prefix({ type: entityType, id: record.key })
    const fields = fieldsOf(record, (name, rule, value) =>
      fingerprinter.field(prefix, name, rule.canonical(value), rule.id),
    )
    return { key: record.key, fields, version: record.version, deleted: record.deleted }
  }
}

/** The same to canonical values: a tenth of the work, where both sides are at hand at once. */
export function recordCanonicalizer(rules: RecordRules): (record: SourceRecord) => CanonicalRecord {
  const fieldsOf = fieldReader(rules)
  const read: ReadField = (_, rule, value) => rule.canonical(value) ?? UNREADABLE
  return (record) => ({
    key: record.key,
    fields: fieldsOf(record, read),
    version: record.version,
    deleted: record.deleted,
    record,
  })
}

type ReadField = (name: string, rule: FieldRule, value: unknown) => string

function fieldReader({ declared = {}, byType = {} }: RecordRules) {
  const always = Object.entries(declared).filter(([, rule]) => !isIgnored(rule))
  const ruleOf = new Map(Object.entries(byType).filter(([name]) => !Object.hasOwn(declared, name)))
  const isDeclared = (name: string) => Object.hasOwn(declared, name)

  return (record: SourceRecord, read: ReadField): Readonly<Record<string, string>> => {
    const fields: Record<string, string> = Object.create(null)
    for (const [name, rule] of always) {
      fields[name] = read(name, rule, Object.hasOwn(record.fields, name) ? record.fields[name] : undefined)
    }
    for (const name of Object.keys(record.fields)) {
      const value = record.fields[name]
      if (value === undefined || isDeclared(name)) continue
      const rule = ruleOf.get(name) ?? auto
      if (!isIgnored(rule)) fields[name] = read(name, rule, value)
    }
    return fields
  }
}
