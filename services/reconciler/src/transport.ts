import { setTimeout as delay } from 'node:timers/promises'
import type { PglitePool } from '@syncproof/store/pglite'
import {
  type BackendClasses,
  type ConnectionOptions,
  createPostgresBackend,
  createRedisBackend,
  type IQueueBackend,
  type PgPool,
  type PostgresConnectionOptions,
  runMigrations,
  withBackend,
} from 'bullmq'
import { Redis } from 'ioredis'
import { messageOf } from './context.ts'
import { migrateQueue, QUEUE_SCHEMA } from './queue-schema.ts'

/** Where BullMQ keeps its jobs: Redis, a real PostgreSQL, or the embedded database that the store runs on. */
export type QueueConnection =
  | { readonly redisUrl: string }
  | { readonly postgresUrl: string }
  | { readonly pool: PglitePool }

/** What a job says: ids only. The truth is read from the store when the job runs. */
export interface JobData {
  readonly [name: string]: string | number
}

export interface NewJob {
  readonly name: string
  readonly data: JobData
  /** While a job of this id waits or runs, adding it again does nothing. */
  readonly deduplicationId: string
}

/** Puts a job into its queue over and over: at once, and then as often. Any number of processes may put the same one. */
export interface Scheduler {
  readonly id: string
  readonly everyMs: number
  readonly name: string
  readonly data: JobData
}

/** A job of a flow. While one of this id waits or runs, adding it again does nothing. */
interface FlowJob {
  readonly queue: string
  readonly name: string
  readonly data: JobData
  readonly id: string
}

/** Jobs by state. */
export type JobCounts = Readonly<Record<'waiting' | 'active' | 'delayed', number>>

interface JobQueue {
  /** Resolves when the queue can be used. @throws QueueUnavailableError */
  ready(): Promise<void>
  add(job: NewJob): Promise<void>
  counts(): Promise<JobCounts>
  schedulers(): Promise<readonly Pick<Scheduler, 'id' | 'everyMs'>[]>
  addScheduler(scheduler: Scheduler): Promise<void>
  removeScheduler(id: string): Promise<void>
  close(): Promise<void>
}

interface JobWorker {
  close(): Promise<void>
}

interface JobFlows {
  /** Adds jobs and one that runs when all of them have ended, well or not. */
  add(last: FlowJob, parts: readonly FlowJob[]): Promise<void>
  close(): Promise<void>
}

export interface WorkerEvents {
  /** The job ended, well or with a throw, and another of the same deduplication id may be added. */
  ended(name: string, data: JobData): void
  /** A job threw, or stalled too often. */
  failed(name: string, error: Error): void
  /** The transport itself failed; BullMQ goes on by itself. */
  error(error: Error): void
}

export interface Transport {
  queue(name: string, onError: (error: Error) => void): JobQueue
  flows(onError: (error: Error) => void): JobFlows
  worker(
    name: string,
    concurrency: number,
    process: (name: string, data: JobData) => Promise<void>,
    events: WorkerEvents,
  ): JobWorker
  /** Closes what the transport opened itself; after its queues and workers. */
  close(): Promise<void>
}

/** A job of a worker that died is taken over after the lock has run out and a check has seen that. */
const LOCK_DURATION_MS = 4_000
const STALLED_INTERVAL_MS = 2_000
/** A job that takes its worker down this often is dropped; the sweep adds it again, so this only makes it visible. */
const STALLED_COUNT_MAX = 10
/** How long an idle worker listens before it looks for itself. BullMQ's timer for it, a second longer, outlives a
 *  worker that is closed while Redis is away, and keeps the process alive. */
const IDLE_BLOCK_S = 2
/** How long Redis may take to answer before it counts as away. */
const ANSWER_MS_MAX = 500
/** How soon a worker asks again after the transport was gone. */
const RETRY_DELAY_MS = 1_000

/** The store knows what has been done; what the queue would keep of it grows for nothing. */
const KEEP_NOTHING = { removeOnComplete: true, removeOnFail: true }

/** BullMQ opens and closes the connections of its PostgreSQL backend by itself. */
const OWNS_NOTHING = { isAway: async () => false, async close() {} }

/** The queue did not answer when the reconciler was started. */
export class QueueUnavailableError extends Error {
  override readonly name = 'QueueUnavailableError'
}

/** @throws QueueUnavailableError for a Redis or a PostgreSQL that does not answer, or has no queue that this login may use */
export async function openTransport(connection: QueueConnection): Promise<Transport> {
  if ('redisUrl' in connection) return openRedis(connection.redisUrl)
  if ('postgresUrl' in connection) return openPostgres(connection.postgresUrl)
  return openEmbedded(connection.pool)
}

async function openPostgres(url: string): Promise<Transport> {
  try {
    await migrateQueue(url)
  } catch (cause) {
    throw new QueueUnavailableError(`The queue cannot be used: ${messageOf(cause)}`, { cause })
  }
  const postgres = { connectionString: url, schema: QUEUE_SCHEMA, max: 2, migrate: false }
  return bind<IQueueBackend, PostgresConnectionOptions>(
    withBackend(createPostgresBackend),
    postgres,
    OWNS_NOTHING,
  )
}

async function openRedis(url: string): Promise<Transport> {
  // null: a command waits for Redis to come back instead of failing the job that sent it
  const redis = new Redis(url, { maxRetriesPerRequest: null, lazyConnect: true })
  let reason = ''
  redis.on('error', (error) => {
    reason = error.message
  })
  try {
    await redis.connect()
  } catch (cause) {
    redis.disconnect()
    throw new QueueUnavailableError(`Redis cannot be reached: ${reason || messageOf(cause)}`, { cause })
  }
  return bind<IQueueBackend, ConnectionOptions>(withBackend(createRedisBackend), redis, {
    isAway: async () => !(await answers(redis)),
    async close() {
      redis.disconnect()
    },
  })
}

/** Asked, not read off the connection: one whose server has just gone still calls itself ready. */
async function answers(redis: Redis): Promise<boolean> {
  const asked = redis.ping().then(
    () => true,
    () => false,
  )
  const silence = delay(ANSWER_MS_MAX, false, { ref: false })
  return redis.status === 'ready' && (await Promise.race([asked, silence]))
}

async function openEmbedded(pool: PglitePool): Promise<Transport> {
  const client = await pool.connect()
  try {
    await runMigrations(client, QUEUE_SCHEMA)
    // one session serves all, and BullMQ's statements name no schema
    await client.query(`select set_config('search_path', '${QUEUE_SCHEMA}, public', false)`)
  } finally {
    client.release()
  }
  // pg's own types and BullMQ's description of them differ in the overloads of on()
  const shared = pool as unknown as PgPool
  return bind<IQueueBackend, PostgresConnectionOptions>(
    withBackend(createPostgresBackend),
    shared,
    OWNS_NOTHING,
  )
}

type Classes<B extends IQueueBackend, C> = BackendClasses<B, C>

function bind<B extends IQueueBackend, C>(
  { Queue, Worker, FlowProducer }: Classes<B, C>,
  connection: C,
  own: { readonly isAway: () => Promise<boolean>; readonly close: () => Promise<void> },
): Transport {
  return {
    queue: (name, onError) => bindQueue<B, C>(Queue, connection, name, onError),
    flows: (onError) => bindFlows<B, C>(FlowProducer, connection, onError),
    worker(name, concurrency, process, events) {
      const worker = new Worker<JobData>(name, (job) => process(job.name, job.data), {
        connection,
        concurrency,
        lockDuration: LOCK_DURATION_MS,
        stalledInterval: STALLED_INTERVAL_MS,
        maxStalledCount: STALLED_COUNT_MAX,
        runRetryDelay: RETRY_DELAY_MS,
        drainDelay: IDLE_BLOCK_S,
      })
      worker.on('completed', (job) => events.ended(job.name, job.data))
      worker.on('failed', (job, error) => {
        events.failed(job?.name ?? 'unknown', error)
        if (job) events.ended(job.name, job.data)
      })
      worker.on('error', (error) => events.error(error))
      return {
        // a worker that waits for a server which is away would wait for ever, and keep the process alive
        close: async () => worker.close(await own.isAway()),
      }
    },
    close: own.close,
  }
}

function bindQueue<B extends IQueueBackend, C>(
  Queue: Classes<B, C>['Queue'],
  connection: C,
  name: string,
  onError: (error: Error) => void,
): JobQueue {
  const queue = new Queue<JobData>(name, { connection })
  queue.on('error', onError)
  return {
    async ready() {
      try {
        await queue.waitUntilReady()
      } catch (cause) {
        throw new QueueUnavailableError(`The queue cannot be used: ${messageOf(cause)}`, { cause })
      }
    },
    async add({ name: jobName, data, deduplicationId }) {
      const deduplication = { id: deduplicationId }
      await queue.add(jobName as never, data as never, { deduplication, ...KEEP_NOTHING })
    },
    async counts() {
      const {
        waiting = 0,
        active = 0,
        delayed = 0,
      } = await queue.getJobCounts('waiting', 'active', 'delayed')
      return { waiting, active, delayed }
    },
    async schedulers() {
      const there = await queue.getJobSchedulers(0, -1, true)
      return there.map(({ key, every }) => ({ id: key, everyMs: Number(every) }))
    },
    async addScheduler({ id, everyMs, name: jobName, data }) {
      const template = { name: jobName as never, data: data as never, opts: KEEP_NOTHING }
      await queue.upsertJobScheduler(id, { every: everyMs }, template)
    },
    async removeScheduler(id) {
      await queue.removeJobScheduler(id)
    },
    close: () => queue.close(),
  }
}

function bindFlows<B extends IQueueBackend, C>(
  FlowProducer: Classes<B, C>['FlowProducer'],
  connection: C,
  onError: (error: Error) => void,
): JobFlows {
  const producer = new FlowProducer({ connection })
  producer.on('error', onError)
  const jobOf = ({ queue, id, name, data }: FlowJob) => ({
    queueName: queue,
    name,
    data,
    opts: { jobId: id, ...KEEP_NOTHING },
  })
  return {
    async add(last, parts) {
      const children = parts.map(jobOf).map((job) => ({
        ...job,
        opts: { ...job.opts, ignoreDependencyOnFailure: true },
      }))
      await producer.add({ ...jobOf(last), children })
    },
    close: () => producer.close(),
  }
}
