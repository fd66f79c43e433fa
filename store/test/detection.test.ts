import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import { eachEngine } from '../../tools/testing/stores.ts'
import type { DetectionBatch, DetectionVerdicts } from '../src/index.ts'
import { candidate, finding, newProcess, operation } from './make-events.ts'
import { sharedStore } from './shared-store.ts'

const NOTHING: DetectionVerdicts = { findings: [], resolved: [] }

/** A judge that remembers what it was shown. */
function spy(verdicts: (batch: DetectionBatch) => DetectionVerdicts = () => NOTHING) {
  const batches: DetectionBatch[] = []
  return {
    batches,
    async judge(batch: DetectionBatch) {
      batches.push(batch)
      return verdicts(batch)
    },
  }
}

eachEngine('a detection step', (open) => {
  const given = sharedStore(open)

  it('hands over every event once, in order, with the history of its operation', async () => {
    const { store, project } = given()
    const process = newProcess(1)
    const events = operation()
    await store.events.append(project, process, events.slice(0, 3))
    const { batches, judge } = spy()
    expect(await store.detection.step(0, 100, judge)).toEqual({ events: 0, created: [] })
    expect(await store.detection.step(1, 2, judge)).toMatchObject({ events: 2 })
    expect(await store.detection.lag()).toMatchObject({ events: 1 })
    expect(await store.detection.step(1, 2, judge)).toMatchObject({ events: 1 })
    await store.events.append(project, process, events.slice(3))
    expect(await store.detection.step(1, 2, judge)).toMatchObject({ events: 1 })
    expect(await store.detection.step(1, 2, judge)).toMatchObject({ events: 0 })
    expect(batches.flatMap((batch) => batch.events).map((event) => event.id)).toEqual(events.map((e) => e.id))
    expect(batches.map((batch) => batch.operations[0]?.events.length)).toEqual([3, 3, 4])
    expect(batches.map((batch) => batch.operations[0]?.complete)).toEqual([false, false, true])
    expect(batches[0]?.operations[0]?.process).toMatchObject(process)
    expect(await store.detection.lag()).toEqual({ events: 0, oldestAgeMs: 0 })
  })

  it('hands over what called operations did with their caller, also when that arrives later', async () => {
    const { store, project } = given()
    const process = newProcess()
    const [callerId, calledId, deepId] = [randomUUID(), randomUUID(), randomUUID()]
    const caller = operation({ operationId: callerId, calls: 1, firstSeq: 0 })
    const called = operation({ operationId: calledId, parentId: callerId, calls: 1, firstSeq: 4 })
    const deep = operation({ operationId: deepId, parentId: calledId, firstSeq: 8 })
    const { batches, judge } = spy()
    for (const events of [caller, called, deep]) {
      await store.events.append(project, process, events)
      await store.detection.step(0, 100, judge)
    }
    const families = batches.map((batch) =>
      batch.operations
        .find((history) => history.operationId === callerId)
        ?.family.map((event) => event.id)
        .sort(),
    )
    const ids = (events: readonly { readonly id: string }[]) => events.map((event) => event.id)
    expect(families).toEqual([[], ids(called), [...ids(called), ...ids(deep)].sort()])
    const leaf = batches[2]?.operations.find((history) => history.operationId === deepId)
    expect(leaf?.family).toEqual([])
  })

  it('shows no end of a caller before the step that knows what it called', async () => {
    const { store, project } = given()
    const callerId = randomUUID()
    const [started, write, sync, finished] = operation({ operationId: callerId, calls: 1 })
    const called = operation({ parentId: callerId, firstSeq: 3 })
    await store.events.append(project, newProcess(), [
      ...[started, write, sync, ...called],
      { ...finished, seq: 7 },
    ])
    const { batches, judge } = spy()
    // the events of later steps are stored, and what they tell of calls is not known yet
    while ((await store.detection.step(0, 3, judge)).events > 0);
    const shown = batches.map((batch) => batch.operations.find(({ operationId }) => operationId === callerId))
    const ends = shown.map((history) => history?.events.some(({ kind }) => kind === 'operation_finished'))
    expect(ends).toEqual([false, undefined, true])
    expect(shown.map((history) => history?.complete)).toEqual([false, undefined, true])
    expect(shown[2]?.family).toHaveLength(4)
  })

  it('commits findings, cursor and operations together, or none of them', async () => {
    const { store, project } = given()
    await store.events.append(project, newProcess(), operation())
    const dying = store.detection.step(0, 100, async (_batch, evidence) => {
      expect(await evidence.entityEvents(candidate, 0)).toHaveLength(3)
      throw new Error('killed')
    })
    await expect(dying).rejects.toThrow('killed')
    expect((await store.operations.list(project, {}, { limit: 1 })).items).toEqual([])
    expect(await store.detection.lag()).toMatchObject({ events: 4 })
    const { judge } = spy(() => ({ findings: [finding('lost-update')], resolved: [] }))
    const step = await store.detection.step(0, 100, judge)
    expect(step.created).toMatchObject([{ kind: 'lost-update', status: 'open', occurrences: 1 }])
    expect(await store.operations.list(project, {}, { limit: 1 })).toMatchObject({
      items: [
        { name: 'syncCandidate', outcome: 'ok', retries: 1, entity: candidate, service: 'candidate-api' },
      ],
    })
  })

  it('hands an operation with a gap over again when the gap is filled, and only then', async () => {
    const { store, project } = given()
    const process = newProcess()
    const [started, write, sync, finished] = operation()
    await store.events.append(project, process, [started, write, finished])
    const { batches, judge } = spy()
    await store.detection.step(0, 100, judge)
    expect(batches.at(-1)?.operations).toMatchObject([{ complete: false }])
    await store.events.append(project, process, operation({ firstSeq: 10 }).slice(0, 1))
    await store.detection.step(0, 100, judge)
    expect(batches.at(-1)?.operations).toHaveLength(1)
    // the gap is filled by an event of another operation of the process
    const { operation_id: _, ...other } = sync as typeof sync & { operation_id: string }
    await store.events.append(project, process, [other as never])
    await store.detection.step(0, 100, judge)
    expect(batches.at(-1)?.operations).toMatchObject([{ complete: true, events: [{}, {}, {}] }])
    await store.events.append(project, process, operation({ firstSeq: 20 }).slice(0, 1))
    await store.detection.step(0, 100, judge)
    expect(batches.at(-1)?.operations).toHaveLength(1)
  })

  it('a process that left out thousands of operations is still judged whole, and its books still close', async () => {
    const { store, project } = given()
    const process = newProcess()
    for (let batch = 0; batch < 5; batch++) {
      const sampled = Array.from({ length: 1_000 }, (_, n) => ({
        ...operation()[0],
        seq: (batch * 1_000 + n) * 2,
      }))
      await store.events.append(project, process, sampled)
    }
    await store.events.append(project, process, operation({ firstSeq: 10_000 }))
    const { batches, judge } = spy()
    while ((await store.detection.step(0, 2_000, judge)).events > 0);
    expect(batches.flatMap((batch) => batch.operations).filter((row) => row.complete)).toHaveLength(1)
    expect((await store.processes.list(project, { limit: 1 })).items).toMatchObject([
      { stored: 5_004, produced: 10_004 },
    ])
  })

  it('judges each project apart', async () => {
    const { store, project } = given()
    await store.events.append(`${project}-1`, newProcess(), operation())
    await store.events.append(`${project}-2`, newProcess(), operation())
    const { batches, judge } = spy(() => ({ findings: [finding('lost-update')], resolved: [] }))
    expect(await store.detection.step(0, 100, judge)).toMatchObject({ events: 8, created: [{}, {}] })
    expect(batches.map((batch) => batch.projectId)).toEqual([`${project}-1`, `${project}-2`])
    expect((await store.findings.list(`${project}-2`, {}, { limit: 5 })).items).toHaveLength(1)
  })

  it('counts an operation that shows a hazard once, however often it is judged', async () => {
    const { store, project } = given()
    const process = newProcess()
    const { judge } = spy((batch) => ({
      findings: batch.operations.map(({ operationId }) =>
        finding('unguarded-read-modify-write', {
          verdict: 'hazard',
          cause: { operation_id: operationId, operation: 'syncCandidate' },
        }),
      ),
      resolved: [],
    }))
    for (const firstSeq of [0, 4, 8]) {
      const events = operation({ firstSeq })
      for (const event of events) {
        await store.events.append(project, process, [event])
        await store.detection.step(0, 100, judge)
      }
    }
    expect((await store.findings.list(project, {}, { limit: 5 })).items).toMatchObject([{ occurrences: 3 }])
  })

  it('knows which entities are busy', async () => {
    const { store, project } = given()
    const process = newProcess()
    const busy = (activeSinceMs: number, silentMsMax = 60_000) =>
      store.operations.busy(project, [candidate, { type: 'candidate', id: 'other' }], {
        activeSinceMs,
        silentMsMax,
      })
    const later = Date.now() + 60_000
    const [started, write, sync, finished] = operation()
    await store.events.append(project, process, [started, write])
    expect(await busy(later)).toEqual(new Set(['9:candidate:42']))
    await store.detection.step(0, 100, async () => NOTHING)
    expect(await busy(later)).toEqual(new Set(['9:candidate:42']))
    expect(await busy(later, 0)).toEqual(new Set())
    await store.events.append(project, process, [sync, finished])
    await store.detection.step(0, 100, async () => NOTHING)
    expect(await busy(later)).toEqual(new Set())
    expect(await busy(Date.now() - 60_000)).toEqual(new Set(['9:candidate:42']))
  })
})
