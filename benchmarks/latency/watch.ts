import { setTimeout as delay } from 'node:timers/promises'
import type { Api } from '../shared/api.ts'

/** How often the findings are asked for: what is measured is by half of it too long, in the mean. */
export const POLL_MS = 50
const PAGE = 10
/** The newest findings of 15 s. */
const PAGES_MAX = 30
/** What is not on the first page after this long is looked for on the next ones. */
const LATE_MS = 200

/** Asks for findings as a person's console would, and remembers when each was first returned. */
export function watchFindings(api: Api) {
  const seenMs = new Map<string, number>()
  /** When those were acknowledged that were not returned yet; the oldest first. */
  const hidden = new Map<string, number>()
  let stopped = false

  async function look(): Promise<void> {
    let cursor: string | null = null
    for (let pages = 0; pages < PAGES_MAX; pages += 1) {
      const page = await api.lostUpdates(PAGE, cursor)
      const nowMs = performance.now()
      const fresh = page.items.filter(({ id }) => !seenMs.has(id))
      for (const { id } of fresh) {
        seenMs.set(id, nowMs)
        hidden.delete(id)
      }
      // lanes end in another order than they began: a finding that comes now may stand below one that was seen before
      const [oldestMs = nowMs] = hidden.values()
      if (page.next_cursor === null || (fresh.length === 0 && nowMs - oldestMs < LATE_MS)) return
      cursor = page.next_cursor
    }
  }

  async function run(): Promise<void> {
    while (!stopped) {
      await look()
      await delay(POLL_MS)
    }
  }

  const running = run()
  return {
    seenMs: seenMs as ReadonlyMap<string, number>,
    /** Looks for a finding whose events were acknowledged. */
    expect(id: string, ackedMs: number): void {
      if (!seenMs.has(id)) hidden.set(id, ackedMs)
    },
    async stop(): Promise<void> {
      stopped = true
      await running
    },
  }
}
