import { hash } from 'node:crypto'
import type { KeyAnswer, KeyStore } from '@syncproof/store'
import { collectorLimits } from '../limits.ts'

interface Entry {
  readonly answer: Promise<KeyAnswer>
  readonly expiresMs: number
}

/** Remembers what the store said of a key, whatever it was, for `keyCacheTtlMs`: one lookup a key and interval, however
 *  many requests. Bounded: the oldest goes first, and keys that open nothing take no place from those that do. Keys are
 *  remembered by hash, so none stays in memory, and how long a look takes says nothing of one.
 *  The result rejects as `KeyStore.authenticate` does; a failure is not remembered.
 *  @param clockMs only ever goes forward: a wall clock that is set back would keep a revoked key alive */
export function cacheKeys(
  keys: Pick<KeyStore, 'authenticate'>,
  clockMs: () => number,
): (key: string) => Promise<KeyAnswer> {
  const live = new Map<string, Entry>()
  const others = new Map<string, Entry>()
  return (key) => {
    const id = hash('sha256', key, 'base64')
    const known = live.get(id) ?? others.get(id)
    if (known !== undefined && known.expiresMs > clockMs()) return known.answer
    // from before the lookup: it may see the key as it was just before it was revoked
    const expiresMs = clockMs() + collectorLimits.keyCacheTtlMs
    const entry = { answer: keys.authenticate(key), expiresMs }
    live.delete(id)
    remember(others, id, entry)
    entry.answer.then(
      (answer) => {
        if (typeof answer === 'string' || others.get(id) !== entry) return
        others.delete(id)
        remember(live, id, entry)
      },
      () => {
        if (others.get(id) === entry) others.delete(id)
      },
    )
    return entry.answer
  }
}

/** Deleted first, so that the order of the map is the order of asking. */
function remember(entries: Map<string, Entry>, id: string, entry: Entry): void {
  entries.delete(id)
  entries.set(id, entry)
  if (entries.size > collectorLimits.keyCacheMax) entries.delete(entries.keys().next().value ?? id)
}
