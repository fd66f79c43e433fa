import { AsyncLocalStorage } from 'node:async_hooks'
import { type RunningCollector, startCollector } from '@syncproof/collector'
import { createSyncproof, type Syncproof, type SyncproofOptions } from '@syncproof/sdk'
import { type PostgresTable, postgresTable } from '@syncproof/sdk/pg'
import { SCOPES } from '@syncproof/store'
import pg from 'pg'
import { Registry } from 'prom-client'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { PROJECT } from '../../services/reconciler/test/support/events.ts'
import { openWorld, type Transport, type World } from '../../services/reconciler/test/support/world.ts'

interface Candidate {
  id: string
  name: string
  status: string
}

const ID = 'k00000'
const GRACE_MS = 500

let world: World
let collector: RunningCollector
let apiKey: string
let candidates: PostgresTable<Candidate>
let clients: Syncproof[]

async function open(transport: Transport): Promise<void> {
  world = await openWorld(transport, [{ id: ID, name: 'Ada', status: 'new' }])
  const logger = { level: 'silent', stream: process.stderr }
  collector = await startCollector({
    ...{ store: world.store, metrics: new Registry(), host: '127.0.0.1', port: 0, logger },
  })
  apiKey = (await world.store.keys.create(PROJECT, 'test', SCOPES)).key
  candidates = postgresTable<Candidate>(world.db, 'candidates', { key: 'id' })
  clients = []
}

afterEach(async () => {
  for (const client of clients) await client.shutdown()
  await world.closeReconcilers()
  await collector.close()
  await world.close()
})

/** The reconciler, which waits so long for a maker. */
const start = (waitMsMax = 600_000) => world.start(undefined, { makers: { graceMs: GRACE_MS, waitMsMax } })

/** A program that reports; a silent one speaks only when it has nothing to report, or is told to. */
function program(more: Partial<SyncproofOptions> = {}): Syncproof {
  const options = {
    service: 'app',
    url: collector.url,
    apiKey,
    fingerprintKey: 'k',
    heartbeatIntervalMs: 100,
  }
  const client = createSyncproof({ ...options, ...more })
  clients.push(client)
  return client
}

/** Runs it as another process would, not as a part of the call that it is made in. */
const apart = AsyncLocalStorage.snapshot()

const SILENT = { flushIntervalMs: 600_000 }

/** Reads a candidate, lets something else happen, and writes it. */
async function change(client: Syncproof, name: string, meanwhile: () => Promise<unknown> = async () => {}) {
  const run = client.wrap(
    async function change(id: string) {
      const row = await client.read('db', () => candidates.findUnique({ where: { id } }))
      await meanwhile()
      const data = { ...row, name }
      await client.write('db', data, () => candidates.update({ where: { id }, data }))
    },
    { entity: (id: string) => ({ type: 'candidate', id }) },
  )
  await run(ID)
}

const byHand = () => world.db.query(`update candidates set status = 'hired' where id = $1`, [ID])

const unobserved = () => world.findings({ kind: 'unobserved-write' })

async function decided(result: 'made' | 'unobserved' | 'undecided'): Promise<void> {
  const line = `syncproof_replaced_versions_total{result="${result}"} 1`
  await vi.waitFor(async () => expect(await world.metrics.metrics()).toContain(line), { timeout: 30_000 })
}

/** Until no version is looked for any more. */
async function nothingWaits(): Promise<void> {
  const store = new pg.Client({ connectionString: world.url })
  await store.connect()
  try {
    await vi.waitFor(
      async () => expect((await store.query('select from syncproof.replaced_versions')).rows).toHaveLength(0),
      { timeout: 20_000 },
    )
  } finally {
    await store.end()
  }
}

async function known(processes: number): Promise<void> {
  await vi.waitFor(
    async () =>
      expect((await world.store.processes.list(PROJECT, { limit: 10 })).items).toHaveLength(processes),
    { timeout: 20_000 },
  )
}

for (const transport of ['PostgreSQL', 'PGlite'] as const) {
  describe(`with the store on ${transport}`, () => {
    it('a change by hand between a read and a write is observed', async () => {
      await open(transport)
      await start()
      await change(program(), 'Grace', byHand)
      await decided('unobserved')
      expect(await unobserved()).toMatchObject([
        { verdict: 'observed', status: 'open', entity: { type: 'candidate', id: ID } },
      ])
      expect(world.heard.filter(({ kind }) => kind === 'unobserved-write')).toHaveLength(1)
    }, 120_000)
  })
}

describe('a version that another one replaced unseen', () => {
  beforeEach(() => open('PostgreSQL'))

  it('is found also where the reconciler was started anew meanwhile', async () => {
    const first = await world.start(undefined, { makers: { graceMs: 3_600_000, waitMsMax: 3_600_000 } })
    await change(program(), 'Grace', byHand)
    await vi.waitFor(async () => expect(await world.findings({ kind: 'lost-update' })).toHaveLength(1), {
      timeout: 20_000,
    })
    await first.close()
    expect(await unobserved()).toEqual([])
    await start()
    await vi.waitFor(async () => expect(await unobserved()).toHaveLength(1), { timeout: 60_000 })
  })

  it('is claimed by a process that reported it', async () => {
    await start()
    const other = program()
    await change(program(), 'Grace', () => apart(() => change(other, 'Joan')))
    await decided('made')
    expect(await unobserved()).toEqual([])
  })

  it('waits for a process that is known and says nothing, however late it reports', async () => {
    await start()
    const [own, other] = [program(), program(SILENT)]
    await known(2)
    await change(own, 'Grace', () => apart(() => change(other, 'Joan')))
    // some looks long; on a slow machine this shows less, and never fails
    await new Promise((resolve) => setTimeout(resolve, 8_000))
    expect(await unobserved()).toEqual([])
    await other.flush()
    await decided('made')
    expect(await unobserved()).toEqual([])
  })

  it('is no longer unclaimed when a process of which nothing was known reports it', async () => {
    await start()
    const other = program({ ...SILENT, heartbeatIntervalMs: 0 })
    await change(program(), 'Grace', () => apart(() => change(other, 'Joan')))
    await decided('unobserved')
    expect(await unobserved()).toMatchObject([{ status: 'open' }])
    await nothingWaits()
    await other.flush()
    await vi.waitFor(async () => expect(await unobserved()).toMatchObject([{ status: 'resolved' }]), {
      timeout: 20_000,
    })
  })

  it('is nobody’s where a process left calls out', async () => {
    await start()
    const [own, other] = [program(), program({ sampleRate: 0 })]
    await known(2)
    await change(own, 'Grace', () => apart(() => change(other, 'Joan')))
    await decided('undecided')
    expect(await unobserved()).toEqual([])
  })

  it('is nobody’s where a process vanished with what it had to report', async () => {
    await start(5_000)
    const [own, other] = [program(), program(SILENT)]
    await known(2)
    await change(own, 'Grace', () => apart(() => change(other, 'Joan')))
    await decided('undecided')
    expect(await unobserved()).toEqual([])
  })

  it('is nobody’s where a write was reported that does not name what it made', async () => {
    await start()
    const [own, other] = [program(), program()]
    const mark = other.wrap(
      async function mark(_id: string) {
        await other.write('db', { id: ID, status: 'hired' }, async () => void (await byHand()))
      },
      { entity: (id: string) => ({ type: 'applicant', id }) },
    )
    await change(own, 'Grace', () => apart(() => mark('17')))
    await decided('undecided')
    expect(await unobserved()).toEqual([])
  })

  it('is nobody’s while a call goes on that may report it', async () => {
    await start(8_000)
    const [own, other] = [program(), program()]
    let end: () => void = () => {}
    const begun = Promise.withResolvers<void>()
    const slow = other.wrap(
      async function slow(_id: string) {
        const { promise, resolve } = Promise.withResolvers<void>()
        end = resolve
        begun.resolve()
        await promise
      },
      { entity: (id: string) => ({ type: 'candidate', id }) },
    )
    const running = slow(ID)
    await begun.promise
    await change(own, 'Grace', byHand)
    await decided('undecided')
    expect(await unobserved()).toEqual([])
    end()
    await running
  })
})
