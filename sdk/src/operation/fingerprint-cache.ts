import { type EntityRef, entityKey } from '@syncproof/core/contract'

const ENTRIES_MAX = 1_024
const CACHED_LENGTH_MAX = 512

/** What a field held when it was last hashed. */
interface Remembered {
  /** A primitive, or the milliseconds of a Date. */
  readonly value: unknown
  readonly isDate: boolean
  readonly fingerprint: string
}

/** Fingerprints that one operation has made: reading, writing and syncing a record hashes each unchanged
 *  field once. */
export class FingerprintCache {
  readonly #byCanonical = new Map<string, string>()
  readonly #latest = new Map<string, Map<string, Remembered>>()
  // most operations are about one record: its key is spelled once
  #entity: EntityRef | undefined
  #entityKey = ''

  /** The fingerprint of the very value that the field was last hashed with. Spares even its canonical form. */
  recall(entity: EntityRef, field: string, value: unknown): string | undefined {
    const remembered = this.#latest.get(this.#keyOf(entity))?.get(field)
    return remembered && isSame(remembered, value) ? remembered.fingerprint : undefined
  }

  /** The fingerprint of the field's canonical value, made where it was not made before. */
  take(entity: EntityRef, field: string, value: unknown, canonical: string, make: () => string): string {
    if (canonical.length > CACHED_LENGTH_MAX) return make()
    const entityText = this.#keyOf(entity)
    const key = `${entityText}\n${field}\n${canonical}`
    const fingerprint = this.#byCanonical.get(key) ?? make()
    if (this.#byCanonical.size >= ENTRIES_MAX) return fingerprint
    this.#byCanonical.set(key, fingerprint)
    const isDate = isPlainDate(value)
    if (!isDate && !isPrimitive(value)) return fingerprint
    let fields = this.#latest.get(entityText)
    if (!fields) {
      fields = new Map()
      this.#latest.set(entityText, fields)
    }
    fields.set(field, { value: isDate ? value.getTime() : value, isDate, fingerprint })
    return fingerprint
  }

  #keyOf(entity: EntityRef): string {
    if (entity !== this.#entity) {
      this.#entity = entity
      this.#entityKey = entityKey(entity)
    }
    return this.#entityKey
  }
}

/** Whether the value surely has the canonical form of the one before, under any rule. */
function isSame(remembered: Remembered, value: unknown): boolean {
  if (remembered.isDate) return isPlainDate(value) && value.getTime() === remembered.value
  return value === remembered.value
}

function isPrimitive(value: unknown): boolean {
  return value === null || (typeof value !== 'object' && typeof value !== 'function')
}

function isPlainDate(value: unknown): value is Date {
  return value instanceof Date && Object.getPrototypeOf(value) === Date.prototype
}
