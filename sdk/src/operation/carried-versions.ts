import { type Fingerprints, UNREADABLE } from '@syncproof/core/contract'

/** A record that was read or written, with the token of its version. */
export interface CarriedVersion {
  readonly version: string
  readonly fields: Fingerprints
}

/** Versions that a payload is compared with by its values. */
const VERSIONS_MAX = 32

/** Which version a payload carries: told by the object itself, or by its values. Shared by all operations
 *  under one root; a fingerprint names the entity, so records of different ones are never taken for each other. */
export class CarriedVersions {
  #byObject: WeakMap<object, CarriedVersion> | undefined
  #recent: readonly CarriedVersion[] = []

  add(record: unknown, carried: CarriedVersion): void {
    if (typeof record === 'object' && record !== null) {
      this.#byObject ??= new WeakMap()
      this.#byObject.set(record, carried)
    }
    const others = this.#recent.filter(({ version }) => version !== carried.version)
    this.#recent = [...others, carried].slice(-VERSIONS_MAX)
  }

  /** The version that was read or written with this very object, where it still has that version's fields. */
  ofObject(payload: unknown, fields: Fingerprints): string | undefined {
    if (typeof payload !== 'object' || payload === null) return undefined
    const carried = this.#byObject?.get(payload)
    return carried && agrees(carried, fields, {}) ? carried.version : undefined
  }

  /** The version that a copy of a record carries: it has at least half of the record's fields, with the same
   *  values, and no other version that is known has these values too.
   *  @param otherSpellings fingerprints that a field would also have: a date is text once it was sent */
  ofCopy(fields: Fingerprints, otherSpellings: Fingerprints): string | undefined {
    if (Object.values(fields).includes(UNREADABLE)) return undefined
    const alike = this.#recent.filter((carried) => agrees(carried, fields, otherSpellings))
    const [only, another] = alike
    if (!only || another) return undefined
    const names = Object.keys(only.fields)
    const shared = names.filter((name) => Object.hasOwn(fields, name))
    return shared.length > 0 && shared.length * 2 >= names.length ? only.version : undefined
  }
}

function agrees(carried: CarriedVersion, fields: Fingerprints, otherSpellings: Fingerprints): boolean {
  return Object.entries(fields).every(([field, fingerprint]) => {
    const known = carried.fields[field]
    return known === undefined || known === fingerprint || known === otherSpellings[field]
  })
}
