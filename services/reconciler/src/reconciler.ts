import type { PairConfig } from '@syncproof/connectors'
import type { AlertSink, Finding } from '@syncproof/core/contract'
import type { MaintenanceWindow, RetentionPolicy, Store } from '@syncproof/store'
import type { Registry } from 'prom-client'
import { deliver } from './alert/deliver.ts'
import { alertPlan } from './alert/plan.ts'
import { raise } from './alert/raise.ts'
import { type Context, messageOf } from './context.ts'
import { laneRunner } from './detect/lane.ts'
import { expirer } from './expire/expire.ts'
import { type AlertTimes, limits, type MakerLimits } from './limits.ts'
import { registerAlertGauges } from './metrics/alert-metrics.ts'
import { registerQueueGauge } from './metrics/queue-gauge.ts'
import { registerRunMetrics } from './metrics/run-metrics.ts'
import { registerStoreGauges } from './metrics/store-gauges.ts'
import { pairRow, resolvePairs } from './pairs.ts'
import { QUEUES } from './queue-schema.ts'
import { openQueues, type Queues } from './queues.ts'
import { runReport } from './reconcile/run-report.ts'
import { helpReport } from './reconcile/work-on-segments.ts'
import { sayOnce } from './say-once.ts'
import { keepSchedulers } from './schedule/pair-schedulers.ts'
import { reportJob, sweep } from './schedule/sweep.ts'
import { lookForMakers } from './settle/look-for-makers.ts'
import { commitSettler } from './settle/settle-commits.ts'
import {
  type JobData,
  openTransport,
  type QueueConnection,
  type Transport,
  type WorkerEvents,
} from './transport.ts'

export interface ReconcilerOptions {
  readonly store: Store
  readonly projectId: string
  /** By name, as configured. */
  readonly pairs: Readonly<Record<string, PairConfig>>
  readonly queue: QueueConnection
  /** The same as the app's, or no fingerprint of the two can be compared. */
  readonly fingerprintKey: string
  /** How long the write that made a replaced version is waited for and looked for. Default: 30 s and an hour. */
  readonly makers?: MakerLimits | undefined
  /** About how many records one worker compares at a time where a pair can be taken apart. Default: 250,000. */
  readonly segmentRecords?: number | undefined
  /** How long things are kept, from now on and for every project of the database. Default: as it was told last, or as
   *  documented. */
  readonly retention?: RetentionPolicy | undefined
  /** Who is told of what is found; names are unique. Default: nobody. */
  readonly alerts?: readonly AlertSink[] | undefined
  /** When a message that a sink did not take is tried again. Default: after 5 s and up to 5 min; after 30 s where its worker died. */
  readonly alertTimes?: AlertTimes | undefined
  /** Who owns what a function does, by its name: before the owner of the pair. */
  readonly operationOwners?: Readonly<Record<string, string>> | undefined
  /** When pages are held back, besides what was begun by hand. Default: as it was told last. */
  readonly maintenance?: readonly Omit<MaintenanceWindow, 'id' | 'configured'>[] | undefined
  /** Where the reconciler's metrics are registered. */
  readonly metrics: Registry
  /** Hears of each finding that was not open before, once it is stored. A throw is logged. */
  readonly onFinding?: (finding: Finding) => void
  /** Hears of each job that failed. */
  readonly onFault?: ((error: unknown) => void) | undefined
  /** One line for people, without a line break. Default: nothing is logged. */
  readonly log?: (line: string) => void
}

export interface Reconciler {
  /** Resolves within 5 s, when nothing of this reconciler is running any more: lanes stop between two steps,
   *  and a running reconciliation is given back for another worker. Does not close the store. */
  close(): Promise<void>
}

const QUEUE_NAMES = Object.values(QUEUES)
const { detect: DETECT, reconcile: RECONCILE, segments: SEGMENTS, alerts: ALERTS } = QUEUES

/** Starts the workers: detection on every lane, and reconciliation of the pairs when they are due or asked for.
 *  Any number of reconcilers may run on one store and one queue.
 *  @throws ConfigError for a pair whose durations are none; StoreUnavailableError and QueueUnavailableError where
 *  they do not answer at the start. Later failures are logged and overcome. */
export async function startReconciler(options: ReconcilerOptions): Promise<Reconciler> {
  const context = contextOf(options)
  await context.store.reports.declarePairs(context.projectId, [...context.pairs.values()].map(pairRow))
  if (options.retention) await context.store.retention.declare(options.retention)
  await context.store.retention.prepare()
  if (options.maintenance) await context.store.maintenance.declare(context.projectId, options.maintenance)
  const transport = await openTransport(options.queue)
  const probe = transport.queue(DETECT, () => {})
  try {
    await probe.ready()
  } catch (error) {
    await transport.close()
    throw error
  } finally {
    await probe.close()
  }
  return run(context, transport, options)
}

function contextOf(options: ReconcilerOptions): Omit<Context, 'askForHelp'> {
  const { store, projectId, fingerprintKey, onFinding, log = () => {} } = options
  const pairs = resolvePairs(options.pairs)
  const { alerts = [], operationOwners = {} } = options
  const sinks = new Map(alerts.map((sink) => [sink.name, sink]))
  registerStoreGauges(options.metrics, store, projectId)
  registerAlertGauges(options.metrics, store, [...sinks.keys()])
  return {
    store,
    projectId,
    pairs,
    fingerprintKey,
    sinks,
    alertPlan: alertPlan(projectId, alerts, new Map(Object.entries(operationOwners))),
    alertTimes: options.alertTimes ?? limits.alertTimes,
    makers: options.makers ?? limits.makers,
    segmentRecords: options.segmentRecords ?? limits.segmentRecords,
    metrics: registerRunMetrics(options.metrics, {
      pairs: [...pairs.keys()],
      queues: QUEUE_NAMES,
      sinks: [...sinks.keys()],
    }),
    onFinding(finding) {
      try {
        onFinding?.(finding)
      } catch (error) {
        log(`a listener for findings threw: ${messageOf(error)}`)
      }
    },
    log,
    failures: sayOnce(log, limits.repeatQuietMs),
  }
}

function run(
  base: Omit<Context, 'askForHelp'>,
  transport: Transport,
  { metrics, onFault }: ReconcilerOptions,
): Reconciler {
  const closing = new AbortController()
  const { signal } = closing
  const { failures } = base
  const onError = (error: Error) => {
    if (!signal.aborted) failures.say(`queue: ${messageOf(error)}`)
  }
  const queues = openQueues(transport, onError)
  registerQueueGauge(metrics, () => queues.counts())
  const context: Context = {
    ...base,
    askForHelp(reportId, workers) {
      queues.addHelp(reportId, workers).catch(onError)
    },
  }
  const running = new Set<Promise<void>>()
  const process = jobProcessor(context, queues, running, signal)
  const eventsOf = (queue: string) => jobEvents({ context, queue, queues, signal, onError, onFault })
  const lanes = Array.from({ length: context.store.detection.lanes }, (_, lane) => lane)
  const workers = [
    // every lane and the sweep at once: a single process must serve them all
    transport.worker(DETECT, lanes.length + 1, process, eventsOf(DETECT)),
    // and one for what expires, which may take long
    transport.worker(RECONCILE, limits.reportsAtOnceMax + 1, process, eventsOf(RECONCILE)),
    // one segment keeps a process and two databases busy
    transport.worker(SEGMENTS, 1, process, eventsOf(SEGMENTS)),
    // each sink at once, and one that looks whom to tell
    transport.worker(ALERTS, context.sinks.size + 1, process, eventsOf(ALERTS)),
  ]
  const stopTicking = tick(async () => {
    for (const lane of lanes) await queues.addLane(lane)
    await queues.addSweep()
    await queues.addAlerts()
    for (const sink of context.sinks.keys()) await queues.addDelivery(sink)
  }, onError)

  let closed: Promise<void> | undefined
  const close = async () => {
    closing.abort(new Error('the reconciler is shutting down'))
    stopTicking()
    const ended = async () => {
      await Promise.all(workers.map((worker) => worker.close()))
      await Promise.allSettled(running)
      await queues.close()
    }
    await within(limits.closeMs, ended())
    await transport.close()
    failures.close()
  }
  return {
    close() {
      closed ??= close()
      return closed
    },
  }
}

/** Runs a job by its name. What runs is in `running`, so that a shutdown can wait for it; after `signal` nothing is
 *  begun. */
function jobProcessor(
  context: Context,
  queues: Queues,
  running: Set<Promise<void>>,
  signal: AbortSignal,
): (name: string, data: JobData) => Promise<void> {
  const runLane = laneRunner(context)
  const settleCommits = commitSettler(context)
  const expiring = expirer(context)
  const jobs: Readonly<Record<string, (data: JobData) => Promise<void>>> = {
    lane: (data) => runLane(Number(data.lane), signal),
    async sweep() {
      const { jobs, help } = await sweep(context, expiring)
      for (const job of jobs) await queues.addJob(job)
      for (const { reportId, segments } of help) await queues.addHelp(reportId, segments)
      await keepSchedulers(context, queues)
    },
    async due({ pair }) {
      const report = await context.store.reports.requestDue(context.projectId, String(pair))
      if (report) await queues.addJob(reportJob(report))
    },
    alerts: () => raise(context),
    deliver: ({ sink }) => deliver(context, String(sink), signal),
    expire: () => expiring.run(signal),
    commits: () => settleCommits(signal),
    makers: () => lookForMakers(context),
    report: (data) => runReport(context, String(data.id), signal),
    help: (data) => helpReport(context, String(data.id), signal),
  }
  return async (name, data) => {
    const job = signal.aborted ? undefined : jobs[name]?.(data)
    if (job === undefined) return
    running.add(job)
    await job.finally(() => running.delete(job))
  }
}

/** Adds again what is to go on, and says what failed. */
function jobEvents(options: {
  readonly context: Context
  readonly queue: string
  readonly queues: Queues
  readonly signal: AbortSignal
  readonly onError: (error: Error) => void
  readonly onFault: ((error: unknown) => void) | undefined
}): WorkerEvents {
  const { context, queue, queues, signal, onError, onFault } = options
  /** Adding may wait for a queue that is away, so nobody waits for it. */
  const soon = (adding: () => Promise<void>) => {
    if (!signal.aborted) adding().catch(onError)
  }
  return {
    ended(name, data) {
      if (name === 'lane') soon(() => queues.addLane(Number(data.lane)))
      // the next report of the same pair may be waiting for this one
      if (name === 'report') soon(queues.addSweep)
    },
    failed(name, error) {
      context.metrics.jobFailures.inc({ queue })
      onFault?.(error)
      context.failures.say(`a job failed: ${name}: ${messageOf(error)}`)
    },
    error: onError,
  }
}

/** Runs at once and then every sweep interval, never twice at the same time. */
function tick(run: () => Promise<void>, onError: (error: Error) => void): () => void {
  let running = false
  const once = () => {
    if (running) return
    running = true
    run()
      .catch(onError)
      .finally(() => {
        running = false
      })
  }
  const timer = setInterval(once, limits.sweepIntervalMs)
  once()
  return () => clearInterval(timer)
}

/** A queue that is away may never answer; a shutdown does not wait for it. */
async function within(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  await Promise.race([work, late]).finally(() => clearTimeout(timer))
}
