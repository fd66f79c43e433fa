import {
  auto,
  canonicalField,
  createFingerprinter,
  type EntityRef,
  entityKey,
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

const NO_RULES: FieldRules = {}
const CACHE_ENTRIES_MAX = 1_024
const CACHED_LENGTH_MAX = 512

/** Fingerprints that one operation has made: reading, writing and syncing a record hashes each unchanged
 *  field once. */
export type FingerprintCache = Map<string, string>

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
    const fingerprints: Record<string, string> = Object.create(null)
    for (const field of fieldNames(record)) {
      const fingerprint = this.field(entity, field, memberOf(record, field), cache)
      if (fingerprint !== undefined) fingerprints[field] = fingerprint
    }
    return fingerprints
  }

  /** The fingerprint of one field; undefined where it is ignored. */
  field(entity: EntityRef, field: string, value: Member, cache: FingerprintCache): string | undefined {
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
    if (canonical.length > CACHED_LENGTH_MAX)
      return this.#fingerprinter.fingerprint(entity, field, canonical, rule.id)
    const key = `${entityKey(entity)}\n${field}\n${canonical}`
    const cached = cache.get(key)
    if (cached !== undefined) return cached
    const made = this.#fingerprinter.fingerprint(entity, field, canonical, rule.id)
    if (cache.size < CACHE_ENTRIES_MAX) cache.set(key, made)
    return made
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
  if (typeof record !== 'object' || record === null || Array.isArray(record)) return []
  try {
    return Object.keys(record).filter(isFieldName).slice(0, limits.fieldsPerEventMax)
  } catch {
    return []
  }
}

function isFieldName(name: string): boolean {
  // no JSON parser that guards against prototype pollution takes a batch with this name
  return name !== '' && name !== '__proto__' && name.length <= limits.stringLengthMax && isStorable(name)
}

/** PostgreSQL stores neither NUL nor a lone surrogate. */
export function isStorable(text: string): boolean {
  return !text.includes('\u0000') && text.isWellFormed()
}
