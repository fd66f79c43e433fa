import { isHashedId } from '@syncproof/core/contract'
import type { Context } from '../context.ts'
import { eachFinding } from '../each-finding.ts'
import { limits } from '../limits.ts'
import type { Pair } from '../pairs.ts'
import { isLeftToReads } from '../settle/commit-fate.ts'

/** Key of a record to when it may be read: when the grace of its newest unknown outcome is over. */
type ReadyKeys = Map<string, number>

/** Requests a read by key for the records of every open `unknown-outcome` finding whose entity type a pair
 *  compares, once its grace is over: until then the write may still arrive. What is still open after that
 *  read is asked for again later. Which were asked for is read from the reports, so that a restart forgets
 *  nothing and repeats nothing.
 *  @returns whether any of them is about the database, which can be asked at once */
export async function requestUnknownOutcomes(context: Context, nowMs: number): Promise<boolean> {
  const { keys: readyKeys, isDatabaseToAsk } = await openKeys(context, nowMs)
  for (const [pair, ready] of readyKeys) {
    const asked = await lastAsked(context, pair, nowMs)
    const keys = [...ready].filter(([key, readyMs]) => (asked.get(key) ?? 0) < readyMs).map(([key]) => key)
    if (keys.length === 0) continue
    const batch = keys.sort().slice(0, limits.keysPerReportMax)
    await context.store.reports.request(context.projectId, pair.name, 'unknown-outcome', batch)
  }
  return isDatabaseToAsk
}

async function openKeys(context: Context, nowMs: number) {
  const keys = new Map<Pair, ReadyKeys>()
  let isDatabaseToAsk = false
  const filter = { kind: 'unknown-outcome', status: 'open' } as const
  for await (const finding of eachFinding(context, filter, limits.watchedMax)) {
    const { entity, first_seen_at, details } = finding
    isDatabaseToAsk ||= details.what !== 'sync'
    if (!isLeftToReads(finding, nowMs)) continue
    for (const pair of context.pairs.values()) {
      const readyMs = Date.parse(first_seen_at) + pair.graceMs
      if (entity?.type !== pair.entityType || readyMs > nowMs) continue
      // known by its hash it cannot be read before a listing has shown it: the next whole run looks at it
      if (pair.hasHashedIds || isHashedId(entity.id)) continue
      const ready = keys.get(pair) ?? new Map()
      ready.set(entity.id, Math.max(readyMs, ready.get(entity.id) ?? 0))
      keys.set(pair, ready)
    }
  }
  return { keys, isDatabaseToAsk }
}

/** When each key was last asked for, by runs that are not finished or that are so young that asking again
 *  would only say the same. */
async function lastAsked(context: Context, pair: Pair, nowMs: number): Promise<Map<string, number>> {
  const sinceMs = nowMs - Math.max(limits.settleAgainMs, 4 * pair.graceMs)
  const page = { limit: limits.pageSize }
  const reports = await context.store.reports.list(context.projectId, { pair: pair.name }, page)
  const asked = new Map<string, number>()
  for (const { state, requested_at, keys } of reports.items) {
    const requestedMs = Date.parse(requested_at)
    if (state === 'finished' && requestedMs < sinceMs) continue
    for (const key of keys ?? []) asked.set(key, Math.max(requestedMs, asked.get(key) ?? 0))
  }
  return asked
}
