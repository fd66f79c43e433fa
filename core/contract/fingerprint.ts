import { hash } from 'node:crypto'
import type { EntityRef } from './entity.ts'

/** Used where SYNCPROOF_FINGERPRINT_KEY is not set, by app and reconciler alike, so that their fingerprints
 *  still compare. It protects nothing: whoever has the source can try values. */
export const DEFAULT_FINGERPRINT_KEY = 'syncproof-default-fingerprint-key'

/** A field whose value could not be read or has no canonical form; incomparable with everything. */
export const UNREADABLE = '!'

/** Hashes one field's canonical value. See `createFingerprinter`. */
export interface Fingerprinter {
  /** Names the key without giving it away: 8 characters. */
  readonly keyId: string
  /** What the messages of all fields of one entity begin with. As secret as the key. */
  prefix(entity: EntityRef): string
  /** What makes the fingerprints of one field, of whatever entity.
   *  @param ruleId the version of the field rule that makes its canonical values */
  column(field: string, ruleId: string): ColumnFingerprinter
  /** The same where the next one is of another field. */
  field(prefix: string, field: string, canonical: string | undefined, ruleId: string): string
  /** The same where one field of an entity is all that is asked. */
  fingerprint(entity: EntityRef, field: string, canonical: string | undefined, ruleId: string): string
  /** What stands for the id of an entity whose ids are personal: `keyId.id.digest`, the digest 132 bits in base64url,
   *  over type and id. */
  entityId(entity: EntityRef): string
}

/** @param prefix of the entity whose field it is
 *  @param canonical the canonical value, or undefined where the field is unreadable */
export type ColumnFingerprinter = (prefix: string, canonical: string | undefined) => string

/** A keyed hash over entity type and id, field name and canonical value:
 *  `keyId.ruleId.digest`, the digest 132 bits in base64url.
 *
 *  SHA-256(SHA-256(key) ‖ type ‖ id ‖ field ‖ value). Every part carries its length, so no two messages spell the same
 *  bytes. The digest is cut to 132 of its 256 bits: what is left does not let anybody go on hashing (length extension),
 *  as in SHA-512/256 (FIPS 180-4). One hash a field costs a tenth of `createHmac`. */
export function createFingerprinter(key: string): Fingerprinter {
  const root = hash('sha256', `syncproof fingerprint root\n${key}`, 'base64url')
  const keyId = hash('sha256', `syncproof fingerprint key id 2\n${key}`, 'hex').slice(0, 8)
  const prefix = ({ type, id }: EntityRef) => `${root}${part(type)}${part(id)}`
  // its parts are made once: with all that it hashes, a program has few columns
  const column = (name: string, ruleId: string): ColumnFingerprinter => {
    const middle = part(name)
    const maker = `${keyId}.${ruleId}.`
    return (of, canonical) =>
      canonical === undefined
        ? UNREADABLE
        : maker + hash('sha256', of + middle + canonical, 'base64url').slice(0, 22)
  }
  const field = (of: string, name: string, canonical: string | undefined, ruleId: string) =>
    column(name, ruleId)(of, canonical)
  return {
    keyId,
    prefix,
    column,
    field,
    fingerprint: (entity, name, canonical, ruleId) => field(prefix(entity), name, canonical, ruleId),
    // no field has the same message: each goes on with the length of its name
    entityId: (entity) => `${keyId}.id.${hash('sha256', prefix(entity), 'base64url').slice(0, 22)}`,
  }
}

/** Whether a text is what `entityId` makes, of whatever key. */
export function isHashedId(text: string): boolean {
  return /^[0-9a-f]{8}\.id\.[\w-]{22}$/.test(text)
}

function part(text: string): string {
  return `${text.length}:${text}`
}

/** Two fingerprints made with different keys or rules say nothing about each other, and what is not
 *  `keyId.ruleId.digest` says nothing at all. */
export function compareFingerprints(a: string, b: string): 'same' | 'different' | 'incomparable' {
  const maker = makerOf(a)
  if (maker === undefined || maker !== makerOf(b)) return 'incomparable'
  return a === b ? 'same' : 'different'
}

/** `keyId.ruleId`; undefined where one of the three parts is missing. */
function makerOf(fingerprint: string): string | undefined {
  const keyEnd = fingerprint.indexOf('.')
  const ruleEnd = fingerprint.lastIndexOf('.')
  const whole = keyEnd > 0 && ruleEnd > keyEnd + 1 && ruleEnd < fingerprint.length - 1
  return whole ? fingerprint.slice(0, ruleEnd) : undefined
}
