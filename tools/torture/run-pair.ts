import { setTimeout as delay } from 'node:timers/promises'
import type { Report, Store } from '@syncproof/store'

const RUN_MS_MAX = 120_000

/** Asks for a run of a pair, which is known when a reconciler has started, and waits until it is finished.
 *  @throws Error where that takes longer than `msMax`, two minutes by default */
export async function runPair(
  store: Store,
  projectId: string,
  pair: string,
  msMax = RUN_MS_MAX,
): Promise<Report> {
  const deadlineMs = performance.now() + msMax
  let report: Report | undefined
  while (performance.now() < deadlineMs) {
    report = report
      ? await store.reports.get(projectId, report.id)
      : await store.reports.request(projectId, pair, 'request', null)
    if (report?.state === 'finished') return report
    await delay(20)
  }
  throw new Error(`BROKEN: ${pair} has not ended: ${JSON.stringify(report)}`)
}
