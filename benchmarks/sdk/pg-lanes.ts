import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { createSyncproof, type Syncproof } from '../../sdk/src/index.ts'
import { observe } from '../../sdk/src/pg/index.ts'

/** One way to run the same update, on a connection of its own. */
export interface Lane {
  readonly name: string
  /** The lane that it is compared with. */
  readonly floor?: string | undefined
  readonly serverPid: number
  readonly update: (id: string) => Promise<unknown>
  /** Everything that was made has been sent. */
  readonly flush: () => Promise<void>
  readonly close: () => Promise<void>
}

type Send = (client: pg.ClientBase, id: string) => Promise<unknown>

const TEXT = 'UPDATE candidates SET name = $1, stage = $2, score = $3, at = $4 WHERE id = $5'

function valuesFor(id: string): unknown[] {
  return [randomBytes(4).toString('hex'), 'hired', 7, new Date(), id]
}

/** As most apps send it: node-postgres has the server parse it each time. */
const autocommit: Send = (client, id) => client.query(TEXT, valuesFor(id))

/** As an app sends it that names its statements: parsed once. */
const named: Send = (client, id) => client.query({ name: 'update', text: TEXT, values: valuesFor(id) })

const inTransaction: Send = async (client, id) => {
  await client.query('BEGIN')
  await client.query(TEXT, valuesFor(id))
  await client.query('COMMIT')
}

export async function createTable(url: string): Promise<void> {
  const client = await connect(url)
  await client.query(
    'CREATE TABLE candidates (id text PRIMARY KEY, name text, stage text, score int, note text, at timestamptz)',
  )
  await client.query(
    `INSERT INTO candidates SELECT 'c' || n, 'Ann', 'new', 1, 'x', now() FROM generate_series(1, 100) AS n`,
  )
  await client.end()
}

/** The floors are the driver alone. */
export async function openLanes(url: string, sinkUrl: string): Promise<readonly Lane[]> {
  const syncproof = createSyncproof({
    service: 'bench',
    url: sinkUrl,
    fingerprintKey: randomBytes(16).toString('hex'),
  })
  const plain = (name: string, send: Send, floor?: string) => plainLane(url, name, send, floor)
  const seen = (name: string, floor: string, send: Send, isObserved: boolean) =>
    wrappedLane(url, syncproof, { name, floor, send, isObserved })
  return Promise.all([
    plain('plain', autocommit),
    plain('plain again', autocommit, 'plain'),
    seen('wrapped, not observed', 'plain', autocommit, false),
    seen('observed', 'plain', autocommit, true),
    plain('plain, named', named),
    seen('observed, named', 'plain, named', named, true),
    plain('plain, in a transaction', inTransaction),
    seen('observed, in a transaction', 'plain, in a transaction', inTransaction, true),
  ])
}

async function plainLane(url: string, name: string, send: Send, floor: string | undefined): Promise<Lane> {
  const client = await connect(url)
  return {
    name,
    floor,
    serverPid: await pidOf(client),
    update: (id) => send(client, id),
    flush: async () => {},
    close: () => client.end(),
  }
}

interface WrappedLane {
  readonly name: string
  readonly floor: string
  readonly send: Send
  readonly isObserved: boolean
}

async function wrappedLane(
  url: string,
  syncproof: Syncproof,
  { name, floor, send, isObserved }: WrappedLane,
): Promise<Lane> {
  const client = await connect(url)
  const on = isObserved ? observe(client) : client
  return {
    name,
    floor,
    serverPid: await pidOf(client),
    update: syncproof.wrap((id: string) => send(on, id), {
      name: 'update',
      entity: (id) => ({ type: 'candidate', id }),
    }),
    async flush() {
      const { dropped, pending } = await syncproof.flush()
      if (dropped + pending > 0) throw new Error(`${dropped} events were dropped, ${pending} are pending`)
    },
    async close() {
      await client.end()
      await syncproof.shutdown()
    },
  }
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  return client
}

async function pidOf(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
  return rows[0]?.pid ?? Number.NaN
}
