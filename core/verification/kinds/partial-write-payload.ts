import { relation } from '../field-relation.ts'
import type { EventOf } from '../witness.ts'

type Write = EventOf<'write'>
type Sync = EventOf<'sync'>

/** Of these fields, those that the refused payload carried; a payload that tells nothing may have carried any. */
export function carriedFields(fields: readonly string[], refused: Sync | undefined): readonly string[] {
  if (!refused || Object.keys(refused.fields).length === 0) return fields
  return fields.filter((field) => Object.hasOwn(refused.fields, field))
}

/** Whether, of what the last write set, the refused payload carried a value that no acknowledged one did. */
export function hasNotBroughtIt(syncs: readonly Sync[], refused: Sync, write: Write): boolean {
  const taken = syncs.filter(({ outcome }) => outcome === 'ok')
  if (taken.length === 0) return true
  return Object.keys(write.assigned).some(
    (field) =>
      relation(refused.fields, write.fields, field) === 'same' &&
      taken.every((sync) => relation(sync.fields, refused.fields, field) === 'different'),
  )
}

/** Of a write that the database refused, how much of it the other system took. */
export interface RefusedWrite {
  /** Whether the sync brought there what the write was to set. */
  readonly carries: boolean
  readonly carried: readonly string[]
  /** Those of them that the row may have held otherwise. */
  readonly changed: readonly string[]
  /** What the row held instead is told, or follows. */
  readonly isKnown: boolean
  /** Of at least one field it is sure that the row held something else. */
  readonly isCertain: boolean
}

export function refusedWrite(write: Write | undefined, brought: Sync | undefined): RefusedWrite {
  if (!write || !brought)
    return { carries: false, carried: [], changed: [], isKnown: false, isCertain: false }
  const held = write.overwritten_fields ?? write.base_fields
  const meant = Object.keys(write.assigned).filter((field) => write.assigned[field] !== 'last_write_wins')
  // of a value that the database changed on the way, the app sent what it had before
  const isMeant = (field: string) => write.assigned[field] !== 'unknown'
  const isOther = meant.some(
    (field) => isMeant(field) && relation(brought.fields, write.fields, field) === 'different',
  )
  const carried = meant.filter((field) => relation(brought.fields, write.fields, field) === 'same').sort()
  const isDelete = write.action === 'delete'
  const sameVersion = brought.version !== undefined && brought.version === write.version
  const sameDelete = isDelete && brought.action === 'delete'
  const sameValues = carried.length > 0 && !isOther
  return {
    carries: sameVersion || sameDelete || (sameValues && !isDelete && brought.action !== 'delete'),
    carried,
    changed: carried.filter((field) => relation(held, write.fields, field) !== 'same'),
    isKnown: held !== undefined || isDelete,
    isCertain: isDelete || carried.some((field) => relation(held, write.fields, field) === 'different'),
  }
}

/** All that it carried, the row held before. */
export function isHeldAlready(carried: readonly string[], changed: readonly string[]): boolean {
  return carried.length > 0 && changed.length === 0
}
