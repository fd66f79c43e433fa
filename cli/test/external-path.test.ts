import { createServer, type ServerResponse } from 'node:http'
import { createSyncproof, type Syncproof } from '@syncproof/sdk'
import { observeFetch } from '@syncproof/sdk/fetch'
import { postgresTable } from '@syncproof/sdk/pg'
import pg from 'pg'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { type FreshDatabase, freshDatabase } from '../../tools/testing/servers.ts'
import { type Dev, startDev } from '../src/index.ts'

/** From what an external system really did to what is claimed of it: the app has no mark for its requests. */
const databases: FreshDatabase[] = []
let dev: Dev
let pool: pg.Pool
let syncproof: Syncproof

type Answer = (response: ServerResponse) => void
const answers: Answer[] = []
const applied: string[] = []
const ats = createServer((request, response) => {
  request.on('end', () => {
    const answer = answers.shift() ?? say(200)
    answer(response)
  })
  request.resume()
})
const say = (status: number) => (response: ServerResponse) => void response.writeHead(status).end('{}')
const applyAndCut = (response: ServerResponse) => {
  applied.push('applied')
  response.destroy()
}
const hang = () => undefined

beforeAll(async () => {
  const [own, store] = await Promise.all([freshDatabase(), freshDatabase()])
  databases.push(own, store)
  dev = await startDev({ port: 0, metricsPort: 0, database: store.url })
  pool = new pg.Pool({ connectionString: own.url })
  await pool.query('create table candidates (id text primary key, name text, email text)')
  syncproof = createSyncproof({ service: 'external', url: dev.url, apiKey: dev.apiKey })
  await new Promise<void>((resolve) => ats.listen(0, '127.0.0.1', resolve))
})

afterAll(async () => {
  await syncproof?.shutdown()
  await pool?.end()
  await dev?.close()
  ats.closeAllConnections()
  await new Promise((resolve) => ats.close(resolve))
  await Promise.all(databases.map((database) => database.drop()))
})

const TRY_MS_MAX = 1_000

/** Changes a candidate in the database and at the ATS, which it asks so often as there are answers. */
async function findingsAfter(id: string, ...wanted: readonly Answer[]): Promise<string[]> {
  const address = ats.address()
  if (address === null || typeof address === 'string') throw new Error('a TCP server has no port')
  const url = `http://127.0.0.1:${address.port}/candidates/${id}`
  const candidates = postgresTable(pool, 'candidates', { key: 'id' })
  const fetch = observeFetch({ system: 'ats' })
  const change = syncproof.wrap(
    async function change(id: string, email: string) {
      const row = await syncproof.read('db', () => candidates.findUnique({ where: { id } }))
      const merged = { ...row, email }
      await syncproof.write('db', merged, () => candidates.update({ where: { id }, data: merged }))
      for (let left = wanted.length; left > 0; left -= 1) {
        const signal = AbortSignal.timeout(TRY_MS_MAX)
        await fetch(url, { method: 'PUT', body: JSON.stringify(merged), signal }).catch(() => undefined)
      }
    },
    { entity: (id: string) => ({ type: 'candidate', id }), syncs: ['ats'] },
  )
  await pool.query('insert into candidates values ($1, $2, $3)', [id, 'Ada', 'old@x'])
  answers.push(...wanted)
  await change(id, 'new@x')
  await syncproof.flush()
  await vi.waitFor(
    async () => {
      const { items } = await dev.store.operations.list('default', { entity_id: id }, { limit: 10 })
      expect(items.map((operation) => operation.finished_at !== null)).toEqual([true])
      expect(await dev.store.detection.lag()).toMatchObject({ events: 0 })
    },
    { timeout: 30_000, interval: 50 },
  )
  const { items } = await dev.store.findings.list('default', { entity_id: id }, { limit: 10 })
  return items.map((finding) => `${finding.kind} ${finding.verdict}`).sort()
}

it('a reply that was lost after the system applied it is an unknown outcome, never a split', async () => {
  expect(await findingsAfter('lost', applyAndCut)).toEqual(['unknown-outcome indeterminate'])
  expect(applied).toEqual(['applied'])
})

it('a refusal is a split that is proven', async () => {
  expect(await findingsAfter('refused', say(422))).toEqual(['partial-write proven'])
})

it('a conflict after a timeout is an unknown outcome, and so is a refusal', async () => {
  expect(await findingsAfter('conflict', hang, say(409))).toEqual(['unknown-outcome indeterminate'])
  expect(await findingsAfter('late', hang, say(422))).toEqual(['unknown-outcome indeterminate'])
})

it('what a retry brought is nothing to find', async () => {
  expect(await findingsAfter('retried', applyAndCut, say(200))).toEqual([])
  expect(await findingsAfter('sent', say(204))).toEqual([])
})

it('a system that was never asked is a split that is proven', async () => {
  expect(await findingsAfter('never')).toEqual(['partial-write proven'])
})
