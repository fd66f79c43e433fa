import { setTimeout as delay } from 'node:timers/promises'
import type { Api } from './api.ts'

/** How often the findings are asked for: what is measured is by half of it too long, in the mean. */
export const POLL_MS = 50
const PAGE = 10

/** Asks for findings as a person's console would, and remembers when each was first returned. */
export function watchFindings(api: Api) {
  const seenMs = new Map<string, number>()
  let stopped = false

  async function look(): Promise<void> {
    let cursor: string | null = null
    do {
      const page = await api.lostUpdates(PAGE, cursor)
      const nowMs = performance.now()
      const fresh = page.items.filter(({ id }) => !seenMs.has(id))
      for (const { id } of fresh) seenMs.set(id, nowMs)
      // the newest come first: a page without news is followed by none with any
      cursor = fresh.length > 0 ? page.next_cursor : null
    } while (cursor !== null)
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
    async stop(): Promise<void> {
      stopped = true
      await running
    },
  }
}
