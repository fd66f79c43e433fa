import { compareFingerprints, type Fingerprints } from '../contract/index.ts'

/** How one field compares in two records; a field that either lacks is `incomparable`: it proves nothing. */
export function compareField(
  a: Fingerprints | undefined,
  b: Fingerprints | undefined,
  field: string,
): 'same' | 'different' | 'incomparable' {
  const left = memberOf(a, field)
  const right = memberOf(b, field)
  return left === undefined || right === undefined ? 'incomparable' : compareFingerprints(left, right)
}

/** Own members only: a field may be called `constructor`. */
export function memberOf<T>(record: Readonly<Record<string, T>> | undefined, field: string): T | undefined {
  return record !== undefined && Object.hasOwn(record, field) ? record[field] : undefined
}
