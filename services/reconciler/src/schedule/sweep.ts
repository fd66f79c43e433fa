import type { Report } from '@syncproof/store'
import type { Context } from '../context.ts'
import type { Expirer } from '../expire/expire.ts'
import { limits } from '../limits.ts'
import type { NewJob } from '../transport.ts'
import { requestUnknownOutcomes } from './unknown-outcomes.ts'

/** Asks for records whose outcome is unknown, adds up what metrics count,
 *  takes the heartbeat on, and says which jobs the findings and the reports in the store need. A queue that was flushed, or
 *  a worker that died, is made good by the next sweep: what is to be done is known by the store alone. */
export async function sweep(context: Context, expiring: Expirer): Promise<Due> {
  const nowMs = Date.now()
  const heartbeat = await context.store.heartbeats.judge()
  const isDatabaseToAsk = await requestUnknownOutcomes(context, nowMs)
  await context.store.counts.fold()
  await context.store.traces.forget()
  const jobs: NewJob[] = []
  if (isDatabaseToAsk) jobs.push({ name: 'commits', data: {}, deduplicationId: 'commits' })
  if (await context.store.makers.due(context.projectId))
    jobs.push({ name: 'makers', data: {}, deduplicationId: 'makers' })
  if (await expiring.isDue()) jobs.push({ name: 'expire', data: {}, deduplicationId: 'expire' })
  for (const { projectId, id } of await context.store.reports.pending(limits.abandonedMs)) {
    if (projectId !== context.projectId) continue
    const report = await context.store.reports.get(projectId, id)
    if (report) jobs.push(reportJob(report))
  }
  if (heartbeat) await context.store.heartbeats.work(heartbeat)
  const unattended = await context.store.segments.unattended(limits.abandonedMs)
  return { jobs, help: unattended.filter(({ projectId }) => projectId === context.projectId) }
}

/** Whole runs of a pair share one id, so that they run one after the other. */
export function reportJob({ id, pair, keys }: Report): NewJob {
  const deduplicationId = keys === null ? `pair-${pair}` : `report-${id}`
  return { name: 'report', data: { id }, deduplicationId }
}

interface Due {
  readonly jobs: readonly NewJob[]
  /** Runs with segments that nobody works on: their helpers have died, or the queue has lost them. */
  readonly help: readonly { readonly reportId: string; readonly segments: number }[]
}
