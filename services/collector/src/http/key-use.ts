import type { KeyStore } from '@syncproof/store'
import { collectorLimits } from '../limits.ts'

export interface KeyUse {
  /** Says that a key is used now. Never throws and never waits. */
  note(id: string): void
  /** Resolves when nothing is being written any more. */
  settled(): Promise<void>
}

/** Has the last use of keys noted in the store: at most once in `keyUseEveryMs` a key, and in one statement at a time for all of
 *  them, which no request waits for. What cannot be written is forgotten: the next use but a minute later is. */
export function noteKeyUse(keys: Pick<KeyStore, 'used'>, clockMs: () => number): KeyUse {
  const notedMs = new Map<string, number>()
  const due = new Set<string>()
  let writing: Promise<void> | undefined

  async function write(): Promise<void> {
    while (due.size > 0) {
      const ids = [...due]
      due.clear()
      await keys.used(ids).catch(() => undefined)
    }
    writing = undefined
  }

  return {
    note(id) {
      const now = clockMs()
      if (now - (notedMs.get(id) ?? Number.NEGATIVE_INFINITY) < collectorLimits.keyUseEveryMs) return
      // as many as keys are remembered: forgetting one costs a statement that then writes nothing
      if (notedMs.size >= collectorLimits.keyCacheMax) notedMs.clear()
      notedMs.set(id, now)
      due.add(id)
      writing ??= write()
    },
    settled: async () => writing,
  }
}
