import { type Fingerprints, NO_ROW } from '../contract/index.ts'
import { relation } from './field-relation.ts'
import type { EventOf } from './witness.ts'

type Write = EventOf<'write'>

/** The writes of one row as they were applied, each surely after the one before: it was sent when that one had been
 *  answered, or it replaced what that one made. Undefined where nothing tells. */
export function asApplied(writes: readonly Write[]): readonly Write[] | undefined {
  const bySending = writes.toSorted((a, b) => a.monotonic_us - b.monotonic_us || a.seq - b.seq)
  if (isInTurn(bySending)) return bySending
  // sent at once, and one waited for the other at the row: the chain of versions tells
  const first = writes.filter((write) => !writes.some((other) => replaced(write, other)))
  const chain = first.slice(0, 1)
  for (let last = chain[0]; last && chain.length < writes.length; chain.push(last)) {
    const before: Write = last
    last = writes.find((write) => !chain.includes(write) && replaced(write, before))
    if (!last) break
  }
  return first.length === 1 && chain.length === writes.length && isInTurn(chain) ? chain : undefined
}

function isInTurn(writes: readonly Write[]): boolean {
  return writes.slice(1).every((write, index) => {
    const before = writes[index]
    if (!before) return false
    const answered =
      before.duration_us !== undefined && before.monotonic_us + before.duration_us <= write.monotonic_us
    return answered || replaced(write, before)
  })
}

function replaced(later: Write, earlier: Write): boolean {
  return later !== earlier && earlier.version !== undefined && later.overwritten_version === earlier.version
}

/** What the writes were meant to change: a timestamp that every write sets counts only where it is all there is. */
export function meantFields(writes: readonly Write[]): readonly string[] {
  const assigned = writes.flatMap((write) => Object.entries(write.assigned))
  const meant = assigned.filter(([, assignment]) => assignment !== 'last_write_wins')
  return [...new Set((meant.length > 0 ? meant : assigned).map(([field]) => field))].sort()
}

/** How a field stands after the last of the writes against how it stood before the first of them.
 *  @param writes as they were applied */
export function netChange(writes: readonly Write[], field: string): ReturnType<typeof relation> {
  const before = firstTold(writes, field, (write) => write.overwritten_fields ?? write.base_fields)
  const after = firstTold(writes.toReversed(), field, (write) => write.fields)
  return relation(before, after, field)
}

/** The nearest record that tells of the field. A write on the way that may have set it, and does not say to what, hides
 *  how it stood. */
function firstTold(
  writes: readonly Write[],
  field: string,
  recordOf: (write: Write) => Fingerprints | undefined,
): Fingerprints | undefined {
  for (const write of writes) {
    const record = recordOf(write)
    if (record && Object.hasOwn(record, field)) return record
    const maySet = Object.hasOwn(write.assigned, field) || Object.keys(write.assigned).length === 0
    if (maySet) return undefined
  }
  return undefined
}

/** Whether the writes together left the row otherwise than it was: `surely`, `maybe` where what it was before is not
 *  known, `no` where every field that was meant is as before, or the row came and went.
 *  @param writes as they were applied, at least one
 *  @param after the refusal of the other system, if it refused anything */
export function leftChange(
  writes: readonly Write[],
  after: EventOf<'sync'> | undefined,
): 'surely' | 'maybe' | 'no' {
  const [first] = writes
  const last = writes.at(-1)
  if (!first || !last) return 'no'
  const cameNew = first.action === 'create' || first.overwritten_version === NO_ROW
  if (last.action === 'delete') {
    const wasThere = first.action === 'update' || first.action === 'delete' || isVersion(first)
    return last.overwritten_version !== NO_ROW && (writes.length === 1 || wasThere) ? 'surely' : 'no'
  }
  if (cameNew) return 'surely'
  const changes = meantFields(writes).map((field) => netChange(writes, field))
  if (changes.includes('different')) return 'surely'
  // what was written after the refusal may be its undoing
  const mayBeUndone = writes.length > 1 && after !== undefined && last.monotonic_us > after.monotonic_us
  return mayBeUndone || (changes.length > 0 && !changes.includes('incomparable')) ? 'no' : 'maybe'
}

function isVersion({ overwritten_version }: Write): boolean {
  return overwritten_version !== undefined && overwritten_version !== NO_ROW
}
