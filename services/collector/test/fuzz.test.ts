import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eachEngine } from '../../../tools/testing/stores.ts'
import { hostileBodies } from './hostile-bodies.ts'
import { type OpenedCollector, openCollector } from './open-collector.ts'

eachEngine('a few hundred hostile bodies', (openStore) => {
  let collector: OpenedCollector
  let key: string
  beforeAll(async () => {
    collector = await openCollector(openStore)
    key = await collector.key('default', 'ingest')
  })
  afterAll(() => collector.close())

  test('none is answered by a 5xx, every good event between bad ones is stored, and what is stored can be judged', async () => {
    const entity = { type: 'candidate', id: randomUUID() }
    const sent = new Set<unknown>()
    await fc.assert(
      fc.asyncProperty(hostileBodies(entity), async ({ payload, headers, goodId }) => {
        const response = await collector.send(key, { method: 'POST', url: '/v1/events', payload, headers })
        expect(response.statusCode, response.body).toBeLessThan(500)
        if (goodId === undefined) return
        expect(response.statusCode).toBe(202)
        sent.add(goodId)
      }),
      { numRuns: 500 },
    )
    const stored = new Set<unknown>()
    let cursor: string | undefined
    do {
      const page = await collector.store.events.timeline('default', entity, { cursor, limit: 500 })
      for (const { id } of page.items) stored.add(id)
      cursor = page.next_cursor ?? undefined
    } while (cursor !== undefined)
    expect(sent.size).toBeGreaterThan(100)
    expect([...sent].filter((id) => !stored.has(id))).toEqual([])
    await judgeAll(collector)
  })
})

/** An event that was accepted and cannot be read would stop the detector for good. */
async function judgeAll({ store }: OpenedCollector): Promise<void> {
  for (let lane = 0; lane < store.detection.lanes; lane++) {
    const step = () => store.detection.step(lane, 1_000, async () => ({ findings: [], resolved: [] }))
    while ((await step()).events > 0);
  }
}
