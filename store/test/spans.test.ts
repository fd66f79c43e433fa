import { randomUUID } from 'node:crypto'
import type { ProcessReport } from '@syncproof/core/contract'
import { expect, it } from 'vitest'
import { eachEngine } from '../../tools/testing/stores.ts'
import type { DetectionBatch } from '../src/index.ts'
import { newProcess, operation } from './make-events.ts'
import { sharedStore } from './shared-store.ts'

/** A process that is made of spans: its id is a UUIDv8. */
function ofSpans(): ProcessReport {
  const id = newProcess(0).id
  return { id: `${id.slice(0, 14)}8${id.slice(15)}`, service: 'rating' }
}

eachEngine('a process that is made of spans', (open) => {
  const given = sharedStore(open)

  it('has no operation that is complete, whatever its numbers look like', async () => {
    const { store, project } = given()
    const events = [...operation(), ...operation({ operationId: randomUUID(), firstSeq: 4 })]
    await store.events.append(project, ofSpans(), events)
    const batches: DetectionBatch[] = []
    while (
      (
        await store.detection.step(0, 100, async (batch) => {
          batches.push(batch)
          return { findings: [], resolved: [] }
        })
      ).events > 0
    );
    const own = batches
      .filter(({ projectId }) => projectId === project)
      .flatMap(({ operations }) => operations)
    expect(own.map(({ complete }) => complete)).toEqual([false, false])
  })

  it('may number two events alike without contradicting itself', async () => {
    const { store, project } = given()
    const process = ofSpans()
    for (let time = 0; time < 2; time += 1)
      expect(await store.events.append(project, process, operation())).toEqual({ accepted: 4, duplicates: 0 })
    const twice = operation().map((event) => ({ ...event, seq: 7 }))
    expect(await store.events.append(project, process, twice)).toEqual({ accepted: 4, duplicates: 0 })
    expect(await store.events.append(project, process, twice)).toEqual({ accepted: 0, duplicates: 4 })
    expect((await store.processes.list(project, { limit: 1 })).items).toMatchObject([
      { stored: 12, inconsistent: 0 },
    ])
  })
})
