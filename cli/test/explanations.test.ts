import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { createSyncproof, defineFields, type Syncproof, text } from '@syncproof/sdk'
import { postgresTable } from '@syncproof/sdk/pg'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type FreshDatabase, freshDatabase } from '../../tools/testing/servers.ts'
import { type Dev, http, postgres, startDev } from '../src/index.ts'

/** Programs that make two systems differ in each way there is, and what is said of why. */
interface Person extends Record<string, unknown> {
  readonly id: string
  readonly name: string
}

const fields = defineFields({ name: text() })
const databases: FreshDatabase[] = []
/** What the external system has. */
const people = new Map<string, Person>()
/** What it does with the next update of a record, instead of taking it. */
const behaviours = new Map<string, 'refuse' | 'forget' | 'delay'>()
let server: Server
let dev: Dev
let pool: pg.Pool
let syncproof: Syncproof
let url: string

beforeAll(async () => {
  server = createServer(async (request, response) => {
    const [, , id = ''] = (request.url ?? '').split('/')
    const answer = (status: number, body: unknown = {}) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    }
    if (request.method !== 'PUT') {
      if (id === '') return answer(200, [...people.values()])
      const person = people.get(id)
      return person ? answer(200, person) : answer(404)
    }
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part as Buffer)
    const behaviour = behaviours.get(id)
    behaviours.delete(id)
    if (behaviour === 'refuse') return answer(422)
    if (behaviour === 'forget') return answer(200)
    if (behaviour === 'delay')
      await vi.waitFor(() => expect(people.get(id)?.name).toBe('second'), { timeout: 10_000 })
    people.set(id, JSON.parse(Buffer.concat(parts).toString()))
    return answer(200)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/people`
  const [own, store] = await Promise.all([freshDatabase(), freshDatabase()])
  databases.push(own, store)
  pool = new pg.Pool({ connectionString: own.url })
  await pool.query('create table people (id text primary key, name text not null)')
  dev = await startDev({
    ...{ port: 0, metricsPort: 0, database: store.url },
    config: {
      pairs: {
        person: {
          source: postgres({ url: own.url, table: 'people', key: 'id' }),
          target: http({ url, key: 'id', get: '/people/{key}' }),
          ...{ fields, grace: '200ms' },
        },
      },
    },
  })
  syncproof = createSyncproof({
    ...{ service: 'people-api', release: 'r7', url: dev.url, apiKey: dev.apiKey },
    entities: { person: { fields } },
  })
})

afterAll(async () => {
  await syncproof?.shutdown()
  await pool?.end()
  await dev?.close()
  server?.closeAllConnections()
  server?.close()
  await Promise.all(databases.map((database) => database.drop()))
})

const table = () => postgresTable<Person>(pool, 'people', { key: 'id' })
const send = (person: Person) =>
  syncproof.sync('ats', person, async () => {
    const response = await fetch(`${url}/${person.id}`, { method: 'PUT', body: JSON.stringify(person) })
    if (!response.ok) throw Object.assign(new Error('refused'), { status: response.status })
    return response
  })
const write = (person: Person) =>
  syncproof.write('db', person, () =>
    table().update({ where: { id: person.id }, data: { name: person.name } }),
  )

const wrapped = (name: string, run: (id: string, to: string) => Promise<unknown>) =>
  syncproof.wrap(run, { name, entity: (id: string) => ({ type: 'person', id }), syncs: ['ats'] })

/** What is done to a record that both systems have as `first`. */
const programs: Readonly<
  Record<string, { cause: string; operation?: string; run(id: string): Promise<unknown> }>
> = {
  'a write that nobody sends': {
    ...{ cause: 'never-attempted', operation: 'renamePerson' },
    run: (id) => wrapped('renamePerson', async (of, to) => write({ id: of, name: to }))(id, 'second'),
  },
  'a system that refuses': {
    ...{ cause: 'rejected', operation: 'renamePerson' },
    run(id) {
      behaviours.set(id, 'refuse')
      return rename(id, 'second').catch(() => {})
    },
  },
  'a system that says yes and forgets': {
    ...{ cause: 'acknowledged-then-lost', operation: 'renamePerson' },
    run(id) {
      behaviours.set(id, 'forget')
      return rename(id, 'second')
    },
  },
  'an older update that arrives after the newer one': {
    ...{ cause: 'applied-out-of-order', operation: 'renamePerson' },
    async run(id) {
      behaviours.set(id, 'delay')
      const slow = rename(id, 'older')
      await vi.waitFor(() => expect(behaviours.has(id)).toBe(false))
      await rename(id, 'second')
      await slow
    },
  },
  'somebody who writes to the system from outside': {
    cause: 'overwritten-from-outside',
    async run(id) {
      await rename(id, 'second')
      await fetch(`${url}/${id}`, { method: 'PUT', body: JSON.stringify({ id, name: 'by hand' }) })
    },
  },
  'a script that changes the row and reports nothing': {
    cause: 'changed-by-silent-writer',
    async run(id) {
      await pool.query(`update people set name = 'by script' where id = $1`, [id])
    },
  },
}

const rename = (id: string, name: string) =>
  wrapped('renamePerson', async (of, to) => {
    await write({ id: of, name: to })
    await send({ id: of, name: to })
  })(id, name)

describe('what made two systems differ is said', () => {
  it.each(Object.entries(programs))('of %s', async (name, { cause, operation, run }) => {
    const id = `p-${Object.keys(programs).indexOf(name)}`
    await wrapped('createPerson', async (of) => {
      await syncproof.write(
        'db',
        { id: of, name: 'first' },
        () => table().create({ data: { id: of, name: 'first' } }),
        {
          action: 'create',
        },
      )
      await send({ id: of, name: 'first' })
    })(id, 'first')
    // two clocks are compared: what is sent in one millisecond has no order
    await delay(5)
    await run(id)
    await syncproof.flush()
    const finding = await divergence(id)
    expect(finding.details.explanation).toMatchObject({ cause, verdict: 'observed' })
    expect(finding.summary).toContain(finding.details.explanation.sentence)
    const blamed = operation && { operation, service: 'people-api', release: 'r7' }
    expect(finding.cause).toEqual(blamed ? expect.objectContaining(blamed) : {})
    if (operation)
      expect(finding.witness.events.map((event) => event.operation_id)).toContain(finding.cause.operation_id)
  })
})

interface Found {
  readonly summary: string
  readonly cause: { readonly operation_id?: string }
  readonly witness: { readonly events: readonly { readonly operation_id: string }[] }
  readonly details: { readonly explanation: { readonly sentence: string } }
}

/** The finding of a run that is asked for until it tells: events are judged before a record is said to differ. */
async function divergence(id: string): Promise<Found> {
  const headers = { authorization: `Bearer ${dev.apiKey}`, 'content-type': 'application/json' }
  const ask = await fetch(`${dev.url}/v1/reconciliations`, {
    ...{ method: 'POST', headers },
    body: JSON.stringify({ pair: 'person', keys: [id] }),
  })
  expect(ask.status).toBeLessThan(300)
  return vi.waitFor(
    async () => {
      const address = `${dev.url}/v1/findings?kind=field-mismatch&entity_type=person&entity_id=${id}`
      const { items } = (await (await fetch(address, { headers })).json()) as { items: { id: string }[] }
      expect(items).toHaveLength(1)
      const whole = await fetch(`${dev.url}/v1/findings/${items[0]?.id}`, { headers })
      return (await whole.json()) as Found
    },
    { timeout: 30_000, interval: 100 },
  )
}
