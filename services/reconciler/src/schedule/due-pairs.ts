import type { Report } from '@syncproof/store'
import type { Context } from '../context.ts'
import { limits } from '../limits.ts'
import type { Pair } from '../pairs.ts'

/** Pages of a pair's reports that are searched for its last whole run. */
const PAGES_MAX = 4

/** Requests a run of every pair whose last whole run was asked for longer than `every` ago. The schedule is
 *  nothing but the reports in the store, so it survives whatever happens to the queue. A pair whose last
 *  whole run is not finished waits for it. */
export async function requestDuePairs(context: Context, nowMs: number): Promise<void> {
  for (const pair of context.pairs.values()) {
    if (pair.everyMs === undefined) continue
    const last = await lastWholeReport(context, pair)
    if (last && (last.state !== 'finished' || Date.parse(last.requested_at) + pair.everyMs > nowMs)) continue
    await context.store.reports.request(context.projectId, pair.name, 'schedule', null)
  }
}

/** Runs of single keys may stand before it in the list. */
async function lastWholeReport(context: Context, pair: Pair): Promise<Report | undefined> {
  let cursor: string | undefined
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const reports = await context.store.reports.list(
      context.projectId,
      { pair: pair.name },
      { cursor, limit: limits.pageSize },
    )
    const whole = reports.items.find((report) => report.keys === null)
    if (whole || reports.next_cursor === null) return whole
    cursor = reports.next_cursor
  }
  return undefined
}
