import {
  auto,
  canonicalField,
  createFingerprinter,
  type EntityRef,
  type FieldRule,
  type FieldRules,
  type Fingerprinter,
  type Fingerprints,
  isIgnored,
  limits,
  UNREADABLE,
} from '@syncproof/core/contract'
import type { EntityTypes } from '../options.ts'
import type { Warn } from '../warnings.ts'
import type { FingerprintCache } from './fingerprint-cache.ts'

const NO_RULES: FieldRules = {}

/** A record without a prototype, so that a field named `constructor` is only there where it was read. An object
 *  made by `Object.create(null)` would be one, but is stored and written as JSON several times slower. */
class Fields {
  [field: string]: string
}
Object.setPrototypeOf(Fields.prototype, null)
Reflect.deleteProperty(Fields.prototype, 'constructor')

/** Turns records into fingerprints by the declared rules. Never throws, whatever the record does. */
export class RecordReader {
  readonly #fingerprinter: Fingerprinter
  readonly #entities: EntityTypes
  readonly #warn: Warn

  constructor(fingerprintKey: string, entities: EntityTypes, warn: Warn) {
    this.#warn = warn
    this.#fingerprinter = createFingerprinter(fingerprintKey)
    this.#entities = entities
  }

  /** The fingerprints of a record's own members, without those that the rules ignore; none for what is not an object. */
  read(entity: EntityRef, record: unknown, cache: FingerprintCache): Fingerprints {
    const fingerprints = new Fields()
    for (const field of fieldNames(record)) {
      const fingerprint = this.field(entity, field, memberOf(record, field), cache)
      if (fingerprint !== undefined) fingerprints[field] = fingerprint
    }
    return fingerprints
  }

  /** The fingerprint of one field; undefined where it is ignored. */
  field(entity: EntityRef, field: string, value: Member, cache: FingerprintCache): string | undefined {
    const recalled = value.readable ? cache.recall(entity, field, value.value) : undefined
    if (recalled !== undefined) return recalled
    const rule = this.rule(entity.type, field)
    if (isIgnored(rule)) return undefined
    const canonical = value.readable ? this.#canonical(entity.type, field, value.value) : undefined
    if (canonical === undefined || canonical.length > limits.canonicalLengthMax) {
      this.#warn(
        'unreadable_field',
        `'${field}' of '${entity.type}', and maybe others, cannot be read: it throws, is no plain value, or is too long. Such fields are marked in the events and compared with nothing; a field rule \`ignore()\` leaves them out.`,
      )
      return UNREADABLE
    }
    const make = () => this.#fingerprinter.fingerprint(entity, field, canonical, rule.id)
    return value.readable ? cache.take(entity, field, value.value, canonical, make) : make()
  }

  rule(entityType: string, field: string): FieldRule {
    const rules = this.#rules(entityType)
    return Object.hasOwn(rules, field) ? (rules[field] ?? auto) : auto
  }

  #canonical(entityType: string, field: string, value: unknown): string | undefined {
    // rules work on the whole text before its length is looked at
    if (typeof value === 'string' && value.length > limits.canonicalLengthMax) return undefined
    try {
      return canonicalField(this.#rules(entityType), field, value).canonical
    } catch {
      // a rule of the user's that throws costs the field
      return undefined
    }
  }

  #rules(entityType: string): FieldRules {
    return Object.hasOwn(this.#entities, entityType)
      ? (this.#entities[entityType]?.fields ?? NO_RULES)
      : NO_RULES
  }
}

/** One member of a record, or that it could not be read. */
export type Member = { readonly readable: true; readonly value: unknown } | { readonly readable: false }

export function memberOf(record: unknown, field: string): Member {
  try {
    return { readable: true, value: (record as Readonly<Record<string, unknown>>)[field] }
  } catch {
    return { readable: false }
  }
}

/** The names that an event can carry: own, enumerable, within the contract's bounds. */
export function fieldNames(record: unknown): readonly string[] {
  try {
    // of a revoked proxy, isArray throws too
    if (typeof record !== 'object' || record === null || Array.isArray(record)) return []
    return Object.keys(record).filter(isFieldName).slice(0, limits.fieldsPerEventMax)
  } catch {
    return []
  }
}

function isFieldName(name: string): boolean {
  if (goodNames.has(name)) return true
  if (!canBeFieldName(name)) return false
  if (goodNames.size < GOOD_NAMES_MAX) goodNames.add(name)
  return true
}

/** Columns have few names, and each is asked for with every record. */
const goodNames = new Set<string>()
const GOOD_NAMES_MAX = 1_024

function canBeFieldName(name: string): boolean {
  // no JSON parser that guards against prototype pollution takes a batch with this name
  return name !== '' && name !== '__proto__' && name.length <= limits.stringLengthMax && isStorable(name)
}

/** PostgreSQL stores neither NUL nor a lone surrogate. */
export function isStorable(text: string): boolean {
  return !text.includes('\u0000') && text.isWellFormed()
}
