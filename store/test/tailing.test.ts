import pg from 'pg'
import { expect, it } from 'vitest'
import { freshDatabase } from '../../tools/testing/servers.ts'
import { migrateStore, openStore } from '../src/index.ts'
import { newProcess, operation } from './make-events.ts'

const WRITERS = 16
const BATCHES = 25

/** Makes commits take 0 to 20 ms: a deferred trigger runs in the commit, after all positions are drawn. */
async function slowCommits(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(`
    create function public.sleep() returns trigger language plpgsql as $$
    begin perform pg_sleep(random() * 0.02); return null; end $$`)
  await client.query(`
    create constraint trigger slow after insert on syncproof.events deferrable initially deferred
    for each row when (new.kind = 'operation_finished') execute function public.sleep()`)
  await client.end()
}

it('tailing skips no event and hands over none twice, however late writers commit', async () => {
  const { url, drop } = await freshDatabase()
  await migrateStore({ url })
  await slowCommits(url)
  const store = openStore({ url, poolMax: WRITERS + 4 })
  const sent: string[] = []
  const seen: string[] = []
  let writing = true

  const write = async (_: unknown, index: number) => {
    const process = newProcess(index % store.detection.lanes)
    for (let batch = 0; batch < BATCHES; batch++) {
      const events = operation({ firstSeq: batch * 4 })
      sent.push(...events.map((event) => event.id))
      await store.events.append('default', process, events)
    }
  }
  const tail = async (_: unknown, lane: number) => {
    for (;;) {
      const last = !writing
      const step = await store.detection.step(lane, 7, async (batch) => {
        seen.push(...batch.events.map((event) => event.id))
        return { findings: [], resolved: [] }
      })
      if (last && step.events === 0) return
    }
  }
  const tailing = Promise.all(Array.from({ length: store.detection.lanes }, tail))
  await Promise.all(Array.from({ length: WRITERS }, write))
  writing = false
  await tailing

  expect(seen).toHaveLength(WRITERS * BATCHES * 4)
  expect(seen.toSorted()).toEqual(sent.toSorted())
  await store.close()
  await drop()
})

it('of two detectors on one lane one works and the other gets nothing', async () => {
  const { url, drop } = await freshDatabase()
  await migrateStore({ url })
  const [store, other] = [openStore({ url }), openStore({ url })]
  await store.events.append('default', newProcess(), operation())
  const step = await store.detection.step(0, 100, async () => {
    const judge = () => Promise.reject(new Error('judged twice'))
    expect(await other.detection.step(0, 100, judge)).toMatchObject({ events: 0 })
    return { findings: [], resolved: [] }
  })
  expect(step.events).toBe(4)
  await Promise.all([store.close(), other.close()])
  await drop()
})
