import { compareFingerprints, type Fingerprints } from '../contract/index.ts'

type Relation = ReturnType<typeof compareFingerprints>

/** Whether two records hold the same in a field. Where one of them does not tell it, nobody knows. */
export function relation(a: Fingerprints | undefined, b: Fingerprints | undefined, field: string): Relation {
  if (!a || !b || !Object.hasOwn(a, field) || !Object.hasOwn(b, field)) return 'incomparable'
  return compareFingerprints(a[field] ?? '', b[field] ?? '')
}

/** How a write came by a field; undefined where it did not assign it. */
export function assignmentOf({ assigned }: { readonly assigned: object }, field: string): unknown {
  return Object.hasOwn(assigned, field) ? (assigned as Record<string, unknown>)[field] : undefined
}
