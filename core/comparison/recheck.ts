import type { Difference, SuspectKind } from './compare.ts'
import type { FingerprintedRecord } from './fingerprint-records.ts'

/** One read of one record by its key; undefined where the system said that there is none. */
export type RecheckRead = FingerprintedRecord | undefined

/** The sandwich: the source read before and after the target, so that a target state is held only against a
 *  source state that stood still around it. */
export interface RecheckReads {
  readonly sourceBefore: RecheckRead
  readonly sourceAfter: RecheckRead
  /** How `target` differs from `sourceAfter`, by the values of both; undefined where they agree. */
  readonly difference: Difference | undefined
  /** An operation on the entity is open, its outcome unknown, or its events not judged yet. */
  readonly busy: boolean
}

export type RecheckVerdict =
  /** Both sides are the same, or both have no such record. */
  | { readonly verdict: 'agree' }
  | { readonly verdict: 'observed'; readonly kind: SuspectKind; readonly fields: readonly string[] }
  /** Cannot be decided now. `reason` is one sentence; after the last try it is the reason of `indeterminate`. */
  | { readonly verdict: 'again'; readonly reason: string }

/** Decides one suspect. Pure: the caller reads, waits for the grace period and tries again with backoff. */
export function recheck({ sourceBefore, sourceAfter, difference, busy }: RecheckReads): RecheckVerdict {
  if (!sameState(sourceBefore, sourceAfter)) {
    return again('The source changed while the target was read.')
  }
  if (difference === undefined) return { verdict: 'agree' }
  if (busy) return again('An operation on this record is open, or its outcome is not known yet.')
  if (difference.kind === 'field-mismatch' && difference.fields.length === 0) {
    return again(
      `Not comparable: ${difference.incomparable.join(', ')}. The value cannot be read by the field's rule.`,
    )
  }
  return { verdict: 'observed', kind: difference.kind, fields: difference.fields }
}

function again(reason: string): RecheckVerdict {
  return { verdict: 'again', reason }
}

/** Exact text, so that an unreadable field does not count as changed: it cannot be told, and the comparison
 *  with the target already calls it incomparable. */
function sameState(a: RecheckRead, b: RecheckRead): boolean {
  if (a === undefined || b === undefined) return a === b
  const names = Object.keys(a.fields)
  return (
    a.version === b.version &&
    a.deleted === b.deleted &&
    names.length === Object.keys(b.fields).length &&
    names.every((name) => a.fields[name] === b.fields[name])
  )
}
