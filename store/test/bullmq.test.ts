import { createPostgresBackend, Queue, runMigrations, Worker } from 'bullmq'
import { expect, it, vi } from 'vitest'
import { migrateStore, openStore } from '../src/index.ts'
import { openPglite } from '../src/pglite/index.ts'
import { newProcess, operation } from './make-events.ts'

const JOBS = 50
const BATCHES = 40

it('a BullMQ queue and worker run beside the store on one PGlite, and both come out exact', async () => {
  const pool = await openPglite({})
  await migrateStore({ pool })
  const client = await pool.connect()
  await runMigrations(client, 'bullmq')
  client.release()
  await pool.query('set search_path = bullmq, public')
  const store = openStore({ pool })

  const done: number[] = []
  const failed = new Set<number>()
  const work = async ({ data }: { data: { n: number } }) => {
    if (data.n % 10 === 0 && !failed.has(data.n)) {
      failed.add(data.n)
      throw new Error('once')
    }
    done.push(data.n)
  }
  const options = { connection: pool as never }
  const worker = new Worker('jobs', work, { ...options, concurrency: 5 }, createPostgresBackend)
  const queue = new Queue('jobs', options, createPostgresBackend)
  await queue.waitUntilReady()
  await worker.waitUntilReady()

  const reporter = newProcess()
  await Promise.all([
    ...Array.from({ length: JOBS }, (_, n) => queue.add('job', { n }, { attempts: 2 })),
    ...Array.from({ length: BATCHES }, (_, n) =>
      store.events.append('default', reporter, operation({ firstSeq: n * 4 })),
    ),
  ])
  const judged = await store.detection.step(0, 1_000, async () => ({ findings: [], resolved: [] }))
  expect(judged.events).toBe(BATCHES * 4)
  await vi.waitFor(() => expect(done).toHaveLength(JOBS), { timeout: 30_000 })
  expect(done.toSorted((a, b) => a - b)).toEqual(Array.from({ length: JOBS }, (_, n) => n))
  expect(await queue.getJobCounts('failed', 'waiting')).toEqual({ failed: 0, waiting: 0 })

  await Promise.all([worker.close(), queue.close()])
  await store.close()
  await pool.end()
})
