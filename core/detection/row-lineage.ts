import type { Fingerprints } from '../contract/index.ts'
import { isCommitted, type StoredOf } from './events.ts'
import { compareField } from './field-values.ts'

type Write = StoredOf<'write'>
type Sync = StoredOf<'sync'>

/** One state of a row and every later one that committed writes made of it, in a chain of
 *  `overwritten_version`: the only order of versions that proves anything. */
export interface Lineage {
  readonly states: readonly Fingerprints[]
  readonly versions: ReadonlySet<string>
  /** The chain ends with the row's deletion. */
  readonly deleted: boolean
}

/** @param origins states that count as the first one: the row as written, and as a payload spelled it
 *  @param writes writes to the same row, any order */
export function lineage(
  version: string | undefined,
  origins: readonly (Fingerprints | undefined)[],
  writes: readonly Write[],
): Lineage {
  const states = origins.filter((state) => state !== undefined)
  const versions = new Set(version === undefined ? [] : [version])
  const chain = new Set<Write>()
  const committed = writes.filter(isCommitted)
  // each round adds the writes that replaced a version of the chain; two may share one version (one transaction)
  for (let size = -1; size !== chain.size; ) {
    size = chain.size
    for (const write of committed) {
      if (write.overwritten_version === undefined || !versions.has(write.overwritten_version)) continue
      chain.add(write)
      if (write.version !== undefined) versions.add(write.version)
    }
  }
  const deleted = [...chain].some((write) => write.action === 'delete')
  return { states: [...states, ...[...chain].map((write) => write.fields)], versions, deleted }
}

/** Whether a sync brings the system, of every one of these fields, a value of the lineage. Without fields:
 *  whether it names a version of it. */
export function carriesLineage(sync: Sync, fields: readonly string[], rows: Lineage): boolean {
  if (rows.deleted || sync.action === 'delete') return rows.deleted && sync.action === 'delete'
  const named = sync.version !== undefined && rows.versions.has(sync.version)
  if (fields.length === 0) return named
  return fields.every(
    (field) =>
      Object.hasOwn(sync.fields, field) &&
      (named || rows.states.some((state) => compareField(sync.fields, state, field) === 'same')),
  )
}
