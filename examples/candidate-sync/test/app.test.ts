import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { buildApp as BuildApp } from '../src/app.ts'

const candidate = { id: 'c-1', name: 'Ada', email: 'ada@x', stage: 'applied', score: 1, updatedBy: 'import' }
const CLOSE_MS_MAX = 5_000

describe('the candidate API', () => {
  /** The ATS answers when it is let to. */
  const ats = createServer((_request, response) => {
    void answer.then((status) => response.writeHead(status).end('{}'))
  })
  let answer: Promise<number> = Promise.resolve(200)
  let pool: typeof import('../src/database.ts').pool
  let buildApp: typeof BuildApp

  beforeAll(async () => {
    ats.listen(0, '127.0.0.1')
    await vi.waitFor(() => expect(ats.listening).toBe(true))
    vi.stubEnv('ATS_URL', `http://127.0.0.1:${(ats.address() as AddressInfo).port}`)
    vi.stubEnv('DATABASE_URL', '')
    const database = await import('../src/database.ts')
    pool = database.pool
    await (await import('../src/schema.ts')).createSchema(pool)
    await database.db.candidates.create({ data: { ...candidate, updatedAt: new Date() } })
    buildApp = (await import('../src/app.ts')).buildApp
  })
  afterAll(async () => {
    ats.close()
    ats.closeAllConnections()
    await pool.end()
  })

  function patch(id: string, payload: string) {
    return buildApp().inject({
      method: 'PATCH',
      url: `/candidates/${id}`,
      headers: { 'content-type': 'application/json' },
      payload,
    })
  }

  it('changes a candidate in both systems', async () => {
    const response = await patch('c-1', '{"score":7,"updatedBy":"me"}')
    expect(response.statusCode).toBe(200)
    expect(response.json()).toMatchObject({ id: 'c-1', name: 'Ada', score: 7 })
  })

  it('says which status the ATS refused with, and keeps what the database has', async () => {
    answer = Promise.resolve(422)
    const response = await patch('c-1', '{"score":8,"updatedBy":"me"}')
    answer = Promise.resolve(200)
    expect(response.statusCode).toBe(502)
    expect(response.json()).toMatchObject({ error: 'ats_failed', atsStatus: 422 })
    expect((await buildApp().inject('/candidates/c-1')).json()).toMatchObject({ score: 8 })
  })

  it('does not know a candidate that is not there', async () => {
    expect((await patch('c-2', '{"score":7,"updatedBy":"me"}')).statusCode).toBe(404)
    expect((await buildApp().inject('/candidates/c-2')).statusCode).toBe(404)
  })

  it.each([
    '{',
    'null',
    '{"score":7}',
    '{"updatedBy":"me","score":"7"}',
    '{"updatedBy":"me","score":1e10}',
    '{"updatedBy":"me","id":"c-2"}',
    '{"updatedBy":"me","revision":"1"}',
    '{"updatedBy":"me","notes":"a\\u0000b"}',
    '{"updatedBy":"me","__proto__":{"score":1}}',
  ])('refuses %s with 400', async (payload) => {
    expect((await patch('c-1', payload)).statusCode).toBe(400)
  })

  it('answers what is under way when it closes, and is closed at once after it', async () => {
    const held = Promise.withResolvers<number>()
    answer = held.promise
    const app = buildApp()
    const url = await app.listen({ host: '127.0.0.1', port: 0 })
    const atAts = new Promise((resolve) => ats.once('request', resolve))
    const response = fetch(`${url}/candidates/c-1`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/json' },
      body: '{"score":9,"updatedBy":"me"}',
    })
    await atAts
    const closedAfter = app.close().then(() => performance.now())
    held.resolve(200)
    expect((await response).status).toBe(200)
    const answered = performance.now()
    expect((await closedAfter) - answered).toBeLessThan(CLOSE_MS_MAX)
  })
})
