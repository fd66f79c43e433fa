import { afterAll, beforeAll, expect, it } from 'vitest'
import { engines } from '../../../tools/testing/stores.ts'
import { makeBatch, makeEvent, uuidV7 } from './make-batch.ts'
import { type OpenedCollector, openCollector } from './open-collector.ts'

const DAY_MS = 86_400_000

let collector: OpenedCollector
beforeAll(async () => {
  collector = await openCollector(engines.PostgreSQL)
  const { retention } = collector.store
  const events = { keepMs: 60 * DAY_MS, byKind: { read: 2 * DAY_MS } }
  await retention.declare({ ...(await retention.policy()), events })
})
afterAll(() => collector.close())

async function send(...events: readonly unknown[]) {
  const key = await collector.key('default', 'ingest')
  const response = await collector.send(key, {
    method: 'POST',
    url: '/v1/events',
    payload: makeBatch(events) as object,
  })
  return response.json() as {
    readonly accepted?: number
    readonly rejected: readonly { index: number; code: string }[]
  }
}

it('an event is refused by how long its kind is kept in the database', async () => {
  const of = (days: number, more = {}) => ({
    ...makeEvent(),
    id: uuidV7(Date.now() - days * DAY_MS),
    ...more,
  })
  const read = { kind: 'read', system: 'db', found: true, fields: {} }
  const answer = await send(of(0), of(45), of(61), of(1, read), of(3, read))
  expect(answer.accepted).toBe(3)
  expect(answer.rejected).toMatchObject([
    { index: 2, code: 'event_time_out_of_range' },
    { index: 4, code: 'event_time_out_of_range' },
  ])
})
