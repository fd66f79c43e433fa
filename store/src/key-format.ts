import { randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'

/** What a key of Syncproof begins with, and no other may. */
export const API_KEY_PREFIX = 'sp_'

/** As docs/keys.md tells it to scanners. */
const WHOLE = /^sp_([\w-]{43})([\w-]{6})$/

/** A new key: the prefix, 256 random bits, and the CRC-32 of these, both as base64url. The checksum lets a slip be told without
 *  asking the database, and a scanner tell a leaked key from text that only looks like one. */
export function makeKey(): string {
  const secret = randomBytes(32).toString('base64url')
  return `${API_KEY_PREFIX}${secret}${checksumOf(secret)}`
}

/** Whether this begins as a key of Syncproof and is none: mistyped, or cut short. Any other text may be one that an operator
 *  chose. */
export function isBrokenKey(key: string): boolean {
  if (!key.startsWith(API_KEY_PREFIX)) return false
  const [, secret, checksum] = WHOLE.exec(key) ?? []
  return secret === undefined || checksumOf(secret) !== checksum
}

function checksumOf(secret: string): string {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(crc32(secret))
  return bytes.toString('base64url')
}
