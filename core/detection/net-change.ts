import { type Fingerprints, NO_ROW } from '../contract/index.ts'
import type { StoredOf } from './events.ts'
import { compareField } from './field-values.ts'

type Write = StoredOf<'write'>

/** Whether the committed writes of one operation to one row, taken together, may have changed nothing, so that
 *  a system that heard nothing of them is not split from the database.
 *
 *  Nothing changed where every field is provably as before. Fields whose last writer wins do not count beside
 *  others: a write of the same values, and the undoing that answers a rejected sync, set a new timestamp. Whatever
 *  was written after the refusal must provably have left a difference.
 *  @param writes at least one, in the order in which they were applied (`inOrder`) */
export function isUndone(writes: readonly Write[], refused: StoredOf<'sync'> | 'none'): boolean {
  const [first] = writes
  const last = writes.at(-1)
  if (!first || !last) return true
  if (last.action === 'delete')
    return last.overwritten_version === NO_ROW || (writes.length > 1 && !replacedARow(first))
  if (first.action === 'create' || first.overwritten_version === NO_ROW) return false
  const compared = meantFields(writes).map((field) => netChange(writes, field))
  const wroteAfter = refused !== 'none' && last.monotonic_us > refused.monotonic_us
  if (wroteAfter && writes.length > 1) return !compared.includes('different')
  return compared.length > 0 && compared.every((result) => result === 'same')
}

/** The fields that the writes together changed or may have changed, by name. Those whose last writer wins are
 *  left out unless nothing else was written.
 *  @param writes in the order in which they were applied */
export function changedFields(writes: readonly Write[]): string[] {
  const fields = meantFields(writes)
  const changed = fields.filter((field) => netChange(writes, field) !== 'same')
  return (changed.length > 0 ? changed : fields).sort()
}

/** More overlapping writes of one operation to one row are not put in order. */
const OVERLAPPING_WRITES_MAX = 64

/** Writes of one operation to one row as they were applied: each sent after the answer to the one before, or
 *  linked by the version that it replaced; undefined where two overlapped and nothing tells. */
export function inOrder(writes: readonly Write[]): readonly Write[] | undefined {
  const asSent = writes.toSorted((a, b) => a.monotonic_us - b.monotonic_us || a.seq - b.seq)
  const apart = asSent.every((write, index) => {
    const previous = asSent[index - 1]
    return !previous || precedes(previous, write)
  })
  if (apart) return asSent
  if (asSent.length > OVERLAPPING_WRITES_MAX) return undefined
  // overlapping ones waited for each other at the row, and may have passed each other on the way there
  const ordered: Write[] = []
  for (let rest = asSent; rest.length > 0; ) {
    const [next, ...others] = rest.filter((write) => !rest.some((other) => precedes(other, write)))
    if (!next || others.length > 0) return undefined
    ordered.push(next)
    rest = rest.filter((write) => write !== next)
  }
  return ordered
}

function precedes(earlier: Write, later: Write): boolean {
  if (earlier === later) return false
  const replaced = earlier.version !== undefined && later.overwritten_version === earlier.version
  const answered = earlier.duration_us !== undefined && earlier.monotonic_us + earlier.duration_us
  return replaced || (answered !== false && answered <= later.monotonic_us)
}

/** The field before the first of the writes against the field after the last of them. */
function netChange(writes: readonly Write[], field: string): 'same' | 'different' | 'incomparable' {
  const before = firstReported(writes, field, (write) => write.overwritten_fields ?? write.base_fields)
  const after = firstReported(writes.toReversed(), field, (write) => write.fields)
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

function meantFields(writes: readonly Write[]): string[] {
  const meant = assignedIn(writes, true)
  return meant.length > 0 ? meant : assignedIn(writes, false)
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
