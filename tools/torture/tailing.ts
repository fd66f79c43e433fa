import { openStore, type Store } from '@syncproof/store'
import pg from 'pg'
import { createApp } from '../testing/sample-app.ts'
import { runCommand } from '../testing/start-service.ts'
import { startPostgres } from '../testing/throwaway-servers.ts'

export interface Tailed {
  readonly committed: number
  readonly rolledBack: number
  readonly skipped: number
  readonly twice: number
  /** That were seen though their transaction was rolled back. */
  readonly unreal: number
}

/** Of each process of an app: one transaction at a time, for each of its lanes. */
const LANES = 4
const ROLLED_BACK = 0.05
const OPERATIONS_PER_BATCH = 60
const STEP_EVENTS = 2_000

/** Writers append, a part of their transactions is rolled back in its commit, and tails take what is there: each committed event
 *  once. A transaction stays open in another database all the while.
 *  @param writers connections that append at the same time; a multiple of four */
export async function tailUnderWriters(rows: number, writers: number): Promise<Tailed> {
  await using opened = new AsyncDisposableStack()
  const postgres = await startPostgres(false, { shared_buffers: '256MB', max_wal_size: '4GB' })
  opened.defer(() => postgres.stop())
  runCommand(['migrate', '--database', postgres.url])
  await breakSomeCommits(postgres.url)
  opened.defer(await openIdleTransaction(postgres.url))
  const stores = Array.from({ length: writers / LANES }, () => openStore({ url: postgres.url }))
  opened.defer(async () => void (await Promise.all(stores.map((store) => store.close()))))

  const seen = new Marks()
  const wanted = new Marks()
  let committed = 0
  let rolledBack = 0
  let unreal = 0
  const isDone = () => committed >= rows

  async function write(store: Store, number: number): Promise<void> {
    const app = createApp(number)
    while (!isDone()) {
      const { process, sent } = app.batch(OPERATIONS_PER_BATCH)
      const isDoomed = Math.random() < ROLLED_BACK
      const events = isDoomed ? sent.map((event) => ({ ...event, doomed: true })) : sent
      const stored = await store.events.append('default', process, events).then(
        () => true,
        (error: Error) => {
          if (isDoomed && error.message.includes('doomed')) return false
          throw error
        },
      )
      if (stored) for (const { seq } of sent) wanted.add(process.id, seq)
      if (stored) committed += sent.length
      else rolledBack += sent.length
    }
  }
  async function tail(store: Store, lane: number): Promise<void> {
    for (;;) {
      const isLast = isDone() && writing === 0
      const step = await store.detection.step(lane, STEP_EVENTS, async ({ events }) => {
        for (const event of events) {
          if ('doomed' in event) unreal += 1
          seen.add(event.process_id, event.seq)
        }
        return { findings: [], resolved: [] }
      })
      if (isLast && step.events === 0) return
    }
  }
  let writing = writers
  const tails = Array.from({ length: LANES }, (_, lane) => tail(stores[0] as Store, lane))
  const writes = stores.flatMap((store, place) =>
    // of the lane that the last digit of the process's id says
    Array.from({ length: LANES }, async (_, lane) => {
      await write(store, place * 20 + lane)
      writing -= 1
    }),
  )
  await Promise.all([...writes, ...tails])
  return { committed, rolledBack, skipped: wanted.without(seen), twice: seen.again, unreal }
}

/** A deferred trigger runs in the commit, after all positions are drawn. */
async function breakSomeCommits(url: string): Promise<void> {
  const client = new pg.Client(url)
  await client.connect()
  await client.query(`
    create function public.refuse() returns trigger language plpgsql as $$
    begin raise exception 'doomed'; end $$`)
  await client.query(`
    create constraint trigger doomed after insert on syncproof.events deferrable initially deferred
    for each row when (new.payload ? 'doomed') execute function public.refuse()`)
  await client.end()
}

async function openIdleTransaction(server: string): Promise<() => Promise<void>> {
  const client = new pg.Client(server)
  await client.connect()
  await client.query('create database elsewhere')
  await client.end()
  const url = new URL(server)
  url.pathname = 'elsewhere'
  const idle = new pg.Client(url.href)
  await idle.connect()
  await idle.query('begin')
  await idle.query('create table held (id int)')
  return () => idle.end()
}

/** Numbers of processes, a bit each. */
class Marks {
  readonly #bits = new Map<string, Uint8Array>()
  /** Marks that were there already. */
  again = 0

  add(process: string, seq: number): void {
    let bits = this.#bits.get(process) ?? new Uint8Array(1_024)
    while (seq >> 3 >= bits.length) {
      const more = new Uint8Array(bits.length * 2)
      more.set(bits)
      bits = more
    }
    this.#bits.set(process, bits)
    const mask = 1 << (seq & 7)
    const before = bits[seq >> 3] ?? 0
    if ((before & mask) !== 0) this.again += 1
    bits[seq >> 3] = before | mask
  }

  /** How many of these the others do not have. */
  without(others: Marks): number {
    let count = 0
    for (const [process, bits] of this.#bits) {
      const theirs = others.#bits.get(process)
      for (const [place, byte] of bits.entries()) {
        let missing = byte & ~(theirs?.[place] ?? 0)
        for (; missing !== 0; missing &= missing - 1) count += 1
      }
    }
    return count
  }
}
