import {
  auto,
  type ColumnFingerprinter,
  createFingerprinter,
  type EntityRef,
  type FieldRule,
  type FieldRules,
  type Fingerprinter,
  isIgnored,
  limits,
} from '@syncproof/core/contract'
import type { EntityTypes } from '../options.ts'
import { jsonOf, jsonOfName, TextMap } from '../report/text-map.ts'
import type { Warn } from '../warnings.ts'
import { dateMs, fieldNames, memberOf, UNREAD } from './member.ts'

const NO_RULES: FieldRules = {}

/** Longer canonical values are hashed again rather than kept. */
const KEPT_LENGTH_MAX = 512
/** Of one entity type; and so many types. */
const COLUMNS_MAX = 1_024

/** What is the same of a field in all records of a type. */
interface Column {
  readonly name: string
  readonly rule: FieldRule
  /** Its place among those of the type. */
  readonly index: number
  readonly print: ColumnFingerprinter
  /** `,"name":` */
  readonly json: string
}

/** Turns records into fingerprints by the declared rules: what all operations of a client share. */
export class RecordReader {
  readonly fingerprinter: Fingerprinter
  readonly warn: Warn
  readonly #entities: EntityTypes
  readonly #columns = new Map<string, Map<string, Column>>()

  constructor(fingerprintKey: string, entities: EntityTypes, warn: Warn) {
    this.warn = warn
    this.fingerprinter = createFingerprinter(fingerprintKey)
    this.#entities = entities
  }

  /** The fingerprint of a key that `system` should hold once; undefined where the value is none. It names no record, for
   *  two records with one key are what it is there to show. */
  uniqueKey(system: string, type: string, value: unknown): string | undefined {
    const canonical = value === undefined ? undefined : canonicalBy(auto, value)
    // no entity has an empty id: it is the fingerprint of no field
    return canonical && this.fingerprinter.fingerprint({ type, id: '' }, system, canonical, 'key')
  }

  rule(type: string, field: string): FieldRule {
    const rules = (Object.hasOwn(this.#entities, type) && this.#entities[type]?.fields) || NO_RULES
    return (Object.hasOwn(rules, field) && rules[field]) || auto
  }

  /** Of a type, by their names. */
  columns(type: string): Map<string, Column> {
    let columns = this.#columns.get(type)
    if (!columns) {
      columns = new Map()
      if (this.#columns.size < COLUMNS_MAX) this.#columns.set(type, columns)
    }
    return columns
  }
}

/** What a field held when it was hashed. */
export interface Kept {
  readonly column: Column
  /** A primitive, or the milliseconds of a Date; NaN, which equals nothing, for any other value. */
  readonly value: unknown
  readonly isDate: boolean
  readonly canonical: string | undefined
  readonly fingerprint: string
  /** The field as a member of an event: `,"name":"fingerprint"`. */
  readonly json: string
  /** What it held before: a write goes back and forth between the row before and the row after. */
  readonly before: Kept | undefined
}

/** Reads the records of one entity in one operation: reading, writing and syncing a record hashes each unchanged
 *  field once. Never throws, whatever the record does. */
export class EntityReader {
  readonly #shared: RecordReader
  readonly #entity: EntityRef
  readonly #columns: Map<string, Column>
  /** By the place of the column. */
  readonly #kept: (Kept | undefined)[] = []
  #prefix: string | undefined
  #latest: TextMap | undefined
  #latestKept: readonly Kept[] = []

  constructor(shared: RecordReader, entity: EntityRef) {
    this.#shared = shared
    this.#entity = entity
    this.#columns = shared.columns(entity.type)
  }

  /** The fingerprints of a record's own members, without those that the rules ignore; none for what is not an object.
   *  Equal ones are the same object. */
  read(record: unknown): TextMap {
    const kept: Kept[] = []
    let isLatest = this.#latest !== undefined
    for (const name of fieldNames(record)) {
      const value = memberOf(record, name)
      // most records come again as they were but for a field or two
      const before = this.#latestKept[kept.length]
      const one = before?.column.name === name && isSame(before, value) ? before : this.#take(name, value)
      if (!one) continue
      if (one !== before) isLatest = false
      kept.push(one)
    }
    if (this.#latest && isLatest && kept.length === this.#latestKept.length) return this.#latest
    const fields = new TextMap()
    let json = ''
    for (const one of kept) {
      fields[one.column.name] = one.fingerprint
      json += one.json
    }
    this.#latestKept = kept
    this.#latest = TextMap.spelled(fields, flat(`{${json.slice(1)}}`))
    return fields
  }

  /** One field; undefined where it is ignored.
   *  @param value `UNREAD` where it could not be read
   *  @param place where it stood in the record that was read last, if it did */
  field(name: string, value: unknown, place = -1): Kept | undefined {
    const latest = this.#latestKept[place]
    return latest?.column.name === name && isSame(latest, value) ? latest : this.#take(name, value)
  }

  #take(name: string, value: unknown): Kept | undefined {
    const column = this.#columns.get(name) ?? this.#column(name)
    const { rule, index } = column
    const kept = this.#kept[index]
    if (kept && isSame(kept, value)) return kept
    if (kept?.before && isSame(kept.before, value)) return kept.before
    if (isIgnored(rule)) return undefined
    const canonical = canonicalBy(rule, value)
    if (canonical !== undefined && kept?.canonical === canonical) return kept
    const fingerprint = this.#fingerprint(column, canonical)
    // only a rule that somebody made by hand could have an id that needs more
    const json = column.json + (rule === auto ? `"${fingerprint}"` : jsonOf(fingerprint))
    const ms = plainDateMs(value)
    const taken: Kept = {
      column,
      value: ms ?? (isPrimitive(value) ? value : Number.NaN),
      isDate: ms !== undefined,
      canonical,
      fingerprint,
      json,
      before: kept?.before ? { ...kept, before: undefined } : kept,
    }
    if (canonical !== undefined && canonical.length <= KEPT_LENGTH_MAX && index < COLUMNS_MAX)
      this.#kept[index] = taken
    return taken
  }

  #column(name: string): Column {
    const index = this.#columns.size
    const rule = this.#shared.rule(this.#entity.type, name)
    const print = this.#shared.fingerprinter.column(name, rule.id)
    const column = { name, rule, index, print, json: jsonOfName(name) }
    if (index < COLUMNS_MAX) this.#columns.set(name, column)
    return column
  }

  #fingerprint({ name, print }: Column, canonical: string | undefined): string {
    if (canonical === undefined)
      this.#shared.warn(
        'unreadable_field',
        `'${name}' of '${this.#entity.type}', and maybe others, cannot be read: it throws, is no plain value, or is too long. Nothing is said of such fields; the rule \`ignore()\` leaves them out.`,
      )
    this.#prefix ??= this.#shared.fingerprinter.prefix(this.#entity)
    return print(this.#prefix, canonical)
  }
}

/** A text in one piece: V8 puts one of pieces together again for each event that carries it, and does it for good where
 *  a character is asked for. */
function flat(text: string): string {
  text.charCodeAt(0)
  return text
}

function canonicalBy(rule: FieldRule, value: unknown): string | undefined {
  // rules work on the whole text before its length is looked at
  if (value === UNREAD || (typeof value === 'string' && value.length > limits.canonicalLengthMax))
    return undefined
  try {
    const canonical = rule.canonical(value)
    return canonical !== undefined && canonical.length > limits.canonicalLengthMax ? undefined : canonical
  } catch {
    // a rule of the user's that throws costs the field
    return undefined
  }
}

/** Whether the value surely has the canonical form of the one before, under any rule. */
function isSame(kept: Kept, value: unknown): boolean {
  return (kept.isDate ? plainDateMs(value) : value) === kept.value
}

function isPrimitive(value: unknown): boolean {
  return value === null || (typeof value !== 'object' && typeof value !== 'function')
}

/** Of a Date that no class extends. */
function plainDateMs(value: unknown): number | undefined {
  const ms = dateMs(value)
  return ms !== undefined && Object.getPrototypeOf(value) === Date.prototype ? ms : undefined
}
