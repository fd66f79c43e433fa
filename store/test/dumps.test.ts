import { randomUUID } from 'node:crypto'
import type { DumpProcess } from '@syncproof/core/contract'
import { expect, it } from 'vitest'
import { eachEngine } from '../../tools/testing/stores.ts'
import type { DetectionBatch } from '../src/index.ts'
import { newProcess, operation } from './make-events.ts'
import { sharedStore } from './shared-store.ts'

eachEngine('an import', (open) => {
  const given = sharedStore(open)

  const told = (process: DumpProcess['process'], inconsistent = 0): DumpProcess => ({
    ...{ type: 'process', process, inconsistent },
    ...{ first_seen_at: '2026-01-02T03:04:05.000006Z', last_seen_at: '2026-01-02T04:00:00.000000Z' },
  })

  /** What a judge is shown of a project. */
  async function shown(project: string): Promise<DetectionBatch[]> {
    const batches: DetectionBatch[] = []
    const judge = async (batch: DetectionBatch) => {
      if (batch.projectId === project) batches.push(batch)
      return { findings: [], resolved: [] }
    }
    for (const lane of [0, 1, 2, 3])
      while ((await given().store.detection.step(lane, 100, judge)).events > 0);
    return batches
  }

  it('stores what is older than anything that is here, once, with its process as it was', async () => {
    const { store, project } = given()
    const process = { ...newProcess(), books: { produced: 9, dropped: { sampled: 1 } } }
    await store.dumps.importProcess(project, told(process))
    const events = operation({ timeMs: Date.UTC(2024, 1, 29) }).map((event) => ({ event }))
    expect(await store.dumps.importEvents(project, process, events)).toEqual({ accepted: 4, duplicates: 0 })
    await store.dumps.importProcess(project, told(process))
    expect(await store.dumps.importEvents(project, process, events)).toEqual({ accepted: 0, duplicates: 4 })
    const { items } = await store.processes.list(project, { limit: 5 })
    expect(items).toMatchObject([
      { id: process.id, first_seen_at: '2026-01-02T03:04:05.000006Z', stored: 4, ...process.books },
    ])
    const ids = (await shown(project)).flatMap((batch) => batch.events.map((event) => event.id))
    expect(ids).toEqual(events.map(({ event }) => event.id))
  })

  it('believes no event that was found to contradict another, though the other one is not there', async () => {
    const { store, project } = given()
    const process = newProcess()
    await store.dumps.importProcess(project, told(process, 1))
    const [started, write, sync, finished] = operation()
    const mark = { contradicts: 'sequence', event_id: randomUUID() } as const
    await store.dumps.importEvents(project, process, [
      ...[started, sync, finished].map((event) => ({ event })),
      { event: write, mark },
    ])
    const [batch] = await shown(project)
    expect(batch?.events.map(({ kind }) => kind)).toEqual(['operation_started', 'sync', 'operation_finished'])
    // every number is there, and nothing is concluded from that: two programs may count as one
    expect(batch?.operations.map(({ complete }) => complete)).toEqual([false])
    const doubts = await store.inconsistencies.doubts(project, [write.id])
    expect(doubts.get(write.id)).toEqual({ inconsistent: mark })
  })

  it('takes back nothing of what is here already', async () => {
    const { store, project } = given()
    const process = { ...newProcess(), books: { produced: 4, dropped: {} } }
    const events = operation()
    await store.events.append(project, process, events)
    const stale = { ...process, books: { produced: 2, dropped: { queue_full: 2 } } }
    await store.dumps.importProcess(project, told(stale))
    const mark = { contradicts: 'version', event_id: null } as const
    await store.dumps.importEvents(project, process, [{ event: events[1], mark }])
    expect((await store.processes.list(project, { limit: 1 })).items).toMatchObject([
      { produced: 4, stored: 4, dropped: {}, inconsistent: 0 },
    ])
    expect(await store.inconsistencies.doubts(project, [events[1].id])).toEqual(new Map())
  })
})
