import { hash } from 'node:crypto'
import type { KeyRow, KeyStore } from '@syncproof/store'
import { collectorLimits } from '../limits.ts'

interface Entry {
  readonly row: Promise<KeyRow | undefined>
  readonly expiresMs: number
}

/** Remembers what the store said of a key, known or not, for `keyCacheTtlMs`: one lookup a key and interval, however
 *  many requests. Bounded: the oldest goes first. Keys are remembered by hash, so none stays in memory.
 *  The result rejects as `KeyStore.authenticate` does; a failure is not remembered. */
export function cacheKeys(
  keys: Pick<KeyStore, 'authenticate'>,
  nowMs: () => number,
): (key: string) => Promise<KeyRow | undefined> {
  const entries = new Map<string, Entry>()
  return (key) => {
    const id = hash('sha256', key, 'base64')
    const known = entries.get(id)
    if (known !== undefined && known.expiresMs > nowMs()) return known.row
    const row = keys.authenticate(key)
    const entry = { row, expiresMs: nowMs() + collectorLimits.keyCacheTtlMs }
    // deleted first, so that the map's order is the order of asking
    entries.delete(id)
    entries.set(id, entry)
    if (entries.size > collectorLimits.keyCacheMax) entries.delete(entries.keys().next().value ?? id)
    row.catch(() => {
      if (entries.get(id) === entry) entries.delete(id)
    })
    return row
  }
}
