import { type Fingerprints, NO_ROW } from '../contract/index.ts'
import type { StoredOf } from './events.ts'
import { compareField } from './field-values.ts'

type Write = StoredOf<'write'>

/** Whether the committed writes of one operation to one row, taken together, may have changed nothing, so that
 *  a system that heard nothing of them is not split from the database.
 *
 *  One write changed nothing where every field is provably as before. Several may be a write and its undoing
 *  (the usual answer to a rejected sync), which sets a new timestamp: there the fields whose last writer wins do
 *  not count; and whatever was written after the refusal must provably have left a difference. */
export function isUndone(writes: readonly Write[], refused: StoredOf<'sync'> | 'none'): boolean {
  const { first, last, sorted } = endsOf(writes)
  if (last.action === 'delete') return writes.length > 1 && !replacedARow(first)
  if (first.action === 'create' || first.overwritten_version === NO_ROW) return false
  const fields = assignedIn(writes, writes.length > 1)
  const compared = fields.map((field) => netChange(sorted, field))
  const wroteAfter = refused !== 'none' && writes.some((write) => write.monotonic_us > refused.monotonic_us)
  if (wroteAfter && writes.length > 1) return !compared.includes('different')
  return compared.length > 0 && compared.every((result) => result === 'same')
}

/** The fields that the writes together changed or may have changed, by name. Those whose last writer wins are
 *  left out unless nothing else was written. */
export function changedFields(writes: readonly Write[]): string[] {
  const { sorted } = endsOf(writes)
  const meant = assignedIn(writes, true)
  const fields = meant.length > 0 ? meant : assignedIn(writes, false)
  const changed = fields.filter((field) => netChange(sorted, field) !== 'same')
  return (changed.length > 0 ? changed : fields).sort()
}

function endsOf(writes: readonly Write[]): { first: Write; last: Write; sorted: readonly Write[] } {
  const sorted = writes.toSorted((a, b) => a.monotonic_us - b.monotonic_us || a.seq - b.seq)
  const [first] = sorted
  const last = sorted.at(-1)
  if (!first || !last) throw new RangeError('no write to judge')
  return { first, last, sorted }
}

/** The field before the first of the writes against the field after the last of them. */
function netChange(sorted: readonly Write[], field: string): 'same' | 'different' | 'incomparable' {
  const before = firstReported(sorted, field, (write) => write.overwritten_fields ?? write.base_fields)
  const after = firstReported(sorted.toReversed(), field, (write) => write.fields)
  return compareField(before, after, field)
}

/** The record of the first write that reports the field, unless one on the way may have changed it unreported. */
function firstReported(
  writes: readonly Write[],
  field: string,
  recordOf: (write: Write) => Fingerprints | undefined,
): Fingerprints | undefined {
  for (const write of writes) {
    const record = recordOf(write)
    if (record !== undefined && Object.hasOwn(record, field)) return record
    if (Object.hasOwn(write.assigned, field) || Object.keys(write.assigned).length === 0) return undefined
  }
  return undefined
}

function assignedIn(writes: readonly Write[], withoutLastWriteWins: boolean): string[] {
  const fields = writes.flatMap((write) =>
    Object.entries(write.assigned)
      .filter(([, assignment]) => !withoutLastWriteWins || assignment !== 'last_write_wins')
      .map(([field]) => field),
  )
  return [...new Set(fields)]
}

function replacedARow(write: Write): boolean {
  const overwritten = write.overwritten_version ?? NO_ROW
  return write.action === 'update' || write.action === 'delete' || overwritten !== NO_ROW
}
