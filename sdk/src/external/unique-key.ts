import type { EntityRef } from '@syncproof/core/contract'
import { readMember } from '../operation/outcome.ts'

/** What an external system should hold only once, of a record that is sent to it: a field (`'email'`), the fields
 *  that make the key together (`['tenant', 'number']`), or a function of the record, which spells the key as the
 *  system compares it and gives undefined for a record that has none:
 *
 *      uniqueKey: (candidate: Candidate) => candidate.email.toLowerCase()
 *
 *  A record that lacks one of the fields, or has null or an empty text in it, has no key. Only a keyed fingerprint
 *  of it leaves the process. */
export type UniqueKey = string | readonly string[] | ((record: never, entity: EntityRef) => unknown)

/** The value of the key; undefined where the record has none, or is not of the shape that the function expects.
 *  Never throws. */
export function uniqueKeyOf(key: UniqueKey | undefined, record: () => unknown, entity: EntityRef): unknown {
  if (key === undefined) return undefined
  try {
    const sent = record()
    const parts = typeof key === 'function' ? key(sent as never, entity) : fieldsOf(sent, key)
    const [first, ...more] = Array.isArray(parts) ? parts : [parts]
    if (![first, ...more].every(isPart)) return undefined
    // one field in a list is the same key as that field
    return more.length === 0 ? first : parts
  } catch {
    return undefined
  }
}

function fieldsOf(record: unknown, fields: string | readonly string[]): readonly unknown[] {
  return [fields].flat().map((field) => readMember(record, field))
}

/** Records are not alike for what they lack; nor may two keys be taken for one, as large numbers are that JSON
 *  has rounded. */
function isPart(value: unknown): boolean {
  if (value instanceof Date) return !Number.isNaN(value.getTime())
  if (typeof value === 'number')
    return Number.isInteger(value) ? Number.isSafeInteger(value) : Number.isFinite(value)
  return ['string', 'bigint', 'boolean'].includes(typeof value) && value !== ''
}

/** What is wrong with the option; undefined where nothing is. */
export function faultOfUniqueKey(key: unknown): string | undefined {
  const fields = Array.isArray(key) ? key : [key]
  const isNamed = fields.length > 0 && fields.every((field) => typeof field === 'string' && field !== '')
  if (key === undefined || typeof key === 'function' || isNamed) return undefined
  return '`uniqueKey` must be a field, a list of fields, or a function of the record'
}
