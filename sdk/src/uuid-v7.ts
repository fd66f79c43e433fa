import { randomUUID } from 'node:crypto'

/** Digits count as hexadecimal ones too, and are made several times faster. */
const COUNTER_MAX = 999

let lastMs = 0
let counter = 0
// of the millisecond in which many are made
let prefixMs = -1
let prefix = ''
let suffix = ''

/** A UUIDv7 (RFC 9562, method 1 of section 6.2): ascending within the process also where the clock stands
 *  still or goes back. 62 of its bits are random, and the same for all of one millisecond: there the counter tells
 *  them apart. */
export function uuidV7(wallMs: number): string {
  if (wallMs > lastMs) {
    lastMs = wallMs
    counter = 0
  } else if (counter === COUNTER_MAX) {
    lastMs += 1
    counter = 0
  } else {
    counter += 1
  }
  if (prefixMs !== lastMs) {
    const time = lastMs.toString(16).padStart(12, '0')
    prefix = `${time.slice(0, 8)}-${time.slice(8)}-7`
    suffix = randomUUID().slice(18)
    prefixMs = lastMs
  }
  // three digits
  return prefix + String(1_000 + counter).slice(1) + suffix
}
