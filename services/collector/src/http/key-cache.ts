import { hash } from 'node:crypto'
import type { KeyAnswer, KeyStore } from '@syncproof/store'
import { collectorLimits } from '../limits.ts'

interface Entry {
  readonly answer: Promise<KeyAnswer>
  readonly expiresMs: number
}

/** Remembers what the store said of a key, whatever it was, for `keyCacheTtlMs`: one lookup a key and interval, however
 *  many requests. Bounded: the oldest goes first. Keys are remembered by hash, so none stays in memory, and how long a
 *  look takes says nothing of one.
 *  The result rejects as `KeyStore.authenticate` does; a failure is not remembered.
 *  @param clockMs only ever goes forward: a wall clock that is set back would keep a revoked key alive */
export function cacheKeys(
  keys: Pick<KeyStore, 'authenticate'>,
  clockMs: () => number,
): (key: string) => Promise<KeyAnswer> {
  const entries = new Map<string, Entry>()
  return (key) => {
    const id = hash('sha256', key, 'base64')
    const known = entries.get(id)
    if (known !== undefined && known.expiresMs > clockMs()) return known.answer
    // from before the lookup: it may see the key as it was just before it was revoked
    const expiresMs = clockMs() + collectorLimits.keyCacheTtlMs
    const answer = keys.authenticate(key)
    const entry = { answer, expiresMs }
    // deleted first, so that the map's order is the order of asking
    entries.delete(id)
    entries.set(id, entry)
    if (entries.size > collectorLimits.keyCacheMax) entries.delete(entries.keys().next().value ?? id)
    answer.catch(() => {
      if (entries.get(id) === entry) entries.delete(id)
    })
    return answer
  }
}
