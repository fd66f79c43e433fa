import { limits } from './limits.ts'
import { QUEUES } from './queue-schema.ts'
import type { JobCounts, JobData, NewJob, Scheduler, Transport } from './transport.ts'

export type { Scheduler } from './transport.ts'

/** What is put into the queues, by what it is for. */
export interface Queues {
  addLane(lane: number): Promise<void>
  addSweep(): Promise<void>
  /** Looks whom to tell what. */
  addAlerts(): Promise<void>
  /** Sends what a sink is still to hear. */
  addDelivery(sink: string): Promise<void>
  addJob(job: NewJob): Promise<void>
  /** Asks for so many workers for the segments of a report. When all are through, and whoever had the report is gone,
   *  its conclusion is next: nobody waits for a sweep. */
  addHelp(reportId: string, workers: number): Promise<void>
  /** Jobs now, by queue and state. */
  counts(): Promise<Readonly<Record<string, JobCounts>>>
  schedulers(): Promise<readonly Pick<Scheduler, 'id' | 'everyMs'>[]>
  addScheduler(scheduler: Scheduler): Promise<void>
  removeScheduler(id: string): Promise<void>
  close(): Promise<void>
}

export function openQueues(transport: Transport, onError: (error: Error) => void): Queues {
  const detect = transport.queue(QUEUES.detect, onError)
  const reconcile = transport.queue(QUEUES.reconcile, onError)
  const segments = transport.queue(QUEUES.segments, onError)
  const alerts = transport.queue(QUEUES.alerts, onError)
  const flows = transport.flows(onError)
  return {
    addLane: (lane) => detect.add({ name: 'lane', data: { lane }, deduplicationId: `lane-${lane}` }),
    addSweep: () => detect.add({ name: 'sweep', data: {}, deduplicationId: 'sweep' }),
    addAlerts: () => alerts.add({ name: 'alerts', data: {}, deduplicationId: 'alerts' }),
    addDelivery: (sink) =>
      alerts.add({ name: 'deliver', data: { sink }, deduplicationId: `deliver-${sink}` }),
    addJob: (job) => reconcile.add(job),
    addHelp(id, workers) {
      const data: JobData = { id }
      const parts = Array.from({ length: Math.min(workers, limits.helpersMax) }, (_, n) => ({
        queue: QUEUES.segments,
        name: 'help',
        data,
        id: `help-${id}-${n}`,
      }))
      return flows.add({ queue: QUEUES.reconcile, name: 'report', data, id: `conclude-${id}` }, parts)
    },
    async counts() {
      const [detecting, reconciling, comparing, alerting] = await Promise.all([
        detect.counts(),
        reconcile.counts(),
        segments.counts(),
        alerts.counts(),
      ])
      return {
        [QUEUES.detect]: detecting,
        [QUEUES.reconcile]: reconciling,
        [QUEUES.segments]: comparing,
        [QUEUES.alerts]: alerting,
      }
    },
    schedulers: () => detect.schedulers(),
    addScheduler: (scheduler) => detect.addScheduler(scheduler),
    removeScheduler: (id) => detect.removeScheduler(id),
    async close() {
      await Promise.all([detect.close(), reconcile.close(), segments.close(), alerts.close(), flows.close()])
    },
  }
}
