import { randomUUID } from 'node:crypto'
import { formatToken, type ProcessReport, type SyncproofEvent } from '@syncproof/core/contract'
import { detectionRules } from '@syncproof/core/detection'
import { expect, it } from 'vitest'
import { eachEngine } from '../../tools/testing/stores.ts'
import type { DetectionBatch, DetectionVerdicts, Store } from '../src/index.ts'
import { candidate, newProcess, operation } from './make-events.ts'
import { sharedStore } from './shared-store.ts'

const NOTHING: DetectionVerdicts = { findings: [], resolved: [] }

/** Judges all that is there. @returns the ids that were handed over as new, and what the last look at each operation
 *  of the project showed */
async function judged(store: Store, project: string, lane = 0) {
  const fresh: string[] = []
  const operations = new Map<string, DetectionBatch['operations'][number]>()
  const judge = async (batch: DetectionBatch) => {
    if (batch.projectId !== project) return NOTHING
    fresh.push(...batch.events.map((event) => event.id))
    for (const row of batch.operations) operations.set(row.operationId, row)
    return NOTHING
  }
  while ((await store.detection.step(lane, 100, judge, detectionRules)).events > 0);
  return { fresh, operations }
}

async function inconsistentOf(store: Store, project: string, process: ProcessReport) {
  const { items } = await store.processes.list(project, { limit: 500 })
  return items.find(({ id }) => id === process.id)?.inconsistent
}

async function doubtOf(store: Store, project: string, { id }: { readonly id: string }) {
  return (await store.inconsistencies.doubts(project, [id])).get(id)
}

const ids = (events: readonly { readonly id: string }[]) => events.map(({ id }) => id)

/** The operation's write as one that made this version outside of a transaction. */
function making(events: readonly SyncproofEvent[], version: string): readonly SyncproofEvent[] {
  return events.map((event) => (event.kind === 'write' ? { ...event, version, transaction: 'none' } : event))
}

const xmin = (key: string) =>
  formatToken({ kind: 'xmin', database: '7-5', table: '16385', key, value: '744' })

eachEngine('events that contradict each other', (open) => {
  const given = sharedStore(open)

  it('with one sequence number are both kept, and the later one is counted and handed to nobody', async () => {
    const { store, project } = given()
    const process = newProcess()
    const [first, second] = [operation(), operation()]
    await store.events.append(project, process, first)
    const before = await judged(store, project)
    expect([...before.operations.values()].map(({ complete }) => complete)).toEqual([true])
    expect(await inconsistentOf(store, project, process)).toBe(0)
    // the numbers 0 to 3 once more
    expect(await store.events.append(project, process, second)).toEqual({ accepted: 4, duplicates: 0 })
    const { fresh, operations } = await judged(store, project)
    expect(fresh).toEqual([])
    expect([...operations.values()].flatMap(({ events }) => events)).toEqual([])
    expect(await inconsistentOf(store, project, process)).toBe(4)
    const { items } = await store.events.timeline(project, candidate, { limit: 100 })
    expect(ids(items)).toEqual(expect.arrayContaining([first[1].id, second[1].id]))
    expect(await doubtOf(store, project, first[1])).toBeUndefined()
    expect(await doubtOf(store, project, second[1])).toEqual({
      inconsistent: { contradicts: 'sequence', event_id: first[1].id },
    })
    expect(await doubtOf(store, `${project}x`, second[1])).toBeUndefined()
    expect(ids(await store.events.ofEntity(project, candidate, 0))).not.toContain(second[1].id)
    expect(ids(await store.events.ofEntity(project, candidate, 0))).toContain(first[1].id)
  })

  it('within one batch are told apart by their order in it, and a batch that is sent again counts nothing', async () => {
    const { store, project } = given()
    const process = newProcess()
    const [start, write, sync, end] = operation()
    const twin = { ...sync, id: operation()[2].id }
    const batch = [start, write, sync, twin, end]
    for (const _ of [1, 2, 3]) await store.events.append(project, process, batch)
    expect(await inconsistentOf(store, project, process)).toBe(1)
    const { fresh, operations } = await judged(store, project)
    expect(fresh).toEqual(ids([start, write, sync, end]))
    const history = operations.get(start.kind === 'operation_started' ? start.operation_id : '')
    expect(ids(history?.events ?? [])).toEqual(ids([start, write, sync, end]))
    // two programs may count as one, so nothing that is missing is known not to have happened
    expect(history?.complete).toBe(false)
    expect(await doubtOf(store, project, twin)).toEqual({
      inconsistent: { contradicts: 'sequence', event_id: sync.id },
    })
  })

  it('in an order that cannot be are told apart by which was stored first', async () => {
    const { store, project } = given()
    const process = newProcess()
    const operationId = randomUUID()
    const [start, write, sync, end] = operation({ operationId, firstSeq: 4 })
    const early = { ...end, id: operation()[3].id, seq: 0 }
    await store.events.append(project, process, [start, write, sync])
    await store.events.append(project, process, [early])
    const { operations } = await judged(store, project)
    expect(ids(operations.get(operationId)?.events ?? [])).toEqual(ids([start, write, sync]))
    await store.events.append(project, process, [end])
    const later = await judged(store, project)
    expect(ids(later.operations.get(operationId)?.events ?? [])).toEqual(ids([start, write, sync, end]))
    const again = { ...end, id: operation()[3].id, seq: 8 }
    await store.events.append(project, process, [again])
    expect((await judged(store, project)).fresh).toEqual([])
    expect(await inconsistentOf(store, project, process)).toBe(2)
    expect(await doubtOf(store, project, early)).toEqual({
      inconsistent: { contradicts: 'operation', event_id: start.id },
    })
    expect(await doubtOf(store, project, again)).toEqual({
      inconsistent: { contradicts: 'operation', event_id: end.id },
    })
  })

  it('about who made a version are told apart by which was stored first, across processes', async () => {
    const { store, project } = given()
    const [one, other] = [newProcess(0), newProcess(1)]
    const version = xmin(randomUUID())
    const made = making(operation(), version)
    const claimed = making(operation(), version)
    await store.events.append(project, one, made)
    await store.events.append(project, other, claimed)
    expect((await judged(store, project, 0)).fresh).toEqual(ids(made))
    expect((await judged(store, project, 1)).fresh).toEqual(
      ids(claimed.filter(({ kind }) => kind !== 'write')),
    )
    expect(await inconsistentOf(store, project, one)).toBe(0)
    expect(await inconsistentOf(store, project, other)).toBe(1)
    expect(await doubtOf(store, project, claimed[1] as SyncproofEvent)).toEqual({
      inconsistent: { contradicts: 'version', event_id: made[1]?.id },
    })
  })

  it('about who made a version are marked, too, where the later one was judged first', async () => {
    const { store, project } = given()
    const [one, other] = [newProcess(0), newProcess(1)]
    const version = xmin(randomUUID())
    const made = making(operation(), version)
    await store.events.append(project, one, made)
    await store.events.append(project, other, making(operation(), version))
    await judged(store, project, 1)
    expect((await judged(store, project, 0)).fresh).toEqual(ids(made))
    expect(await inconsistentOf(store, project, one)).toBe(0)
    expect(await inconsistentOf(store, project, other)).toBe(1)
  })

  it('are counted by what they contradict, and a version that is replaced contradicts nothing', async () => {
    const { store, project } = given()
    const before = new Map((await store.processes.inconsistent()).map((row) => [row.contradicts, row.count]))
    const key = randomUUID()
    const next = making(operation({ firstSeq: 4 }), `${xmin(key)}5`).map((event) =>
      event.kind === 'write' ? { ...event, overwritten_version: xmin(key) } : event,
    )
    const process = newProcess()
    await store.events.append(project, process, [...making(operation(), xmin(key)), ...next])
    await judged(store, project)
    expect(await inconsistentOf(store, project, process)).toBe(0)
    await store.events.append(project, process, operation())
    const after = new Map((await store.processes.inconsistent()).map((row) => [row.contradicts, row.count]))
    expect(after.get('sequence')).toBe((before.get('sequence') ?? 0) + 4)
    expect(after.get('version')).toBe(before.get('version'))
    expect(after.get('content')).toBe(before.get('content'))
  })

  it('under one id are told by their content: the first stands, and each other content counts once', async () => {
    const { store, project } = given()
    const process = newProcess()
    const [start, write, sync, end] = operation()
    const batch = [start, write, sync, end]
    await store.events.append(project, process, batch)
    const otherwise = { ...sync, outcome: 'rejected', status: 409 } as SyncproofEvent
    const again = { ...sync, outcome: 'unknown' } as SyncproofEvent
    for (const sent of [batch, [otherwise], [end, otherwise, start], [again]]) {
      expect(await store.events.append(project, process, sent)).toEqual({
        accepted: 0,
        duplicates: sent.length,
      })
    }
    expect(await inconsistentOf(store, project, process)).toBe(2)
    expect(await doubtOf(store, project, sync)).toEqual({
      inconsistent_copies: { count: 2, differs: ['outcome', 'status'] },
    })
    expect(await doubtOf(store, project, end)).toBeUndefined()
    const { operations } = await judged(store, project)
    const [history] = [...operations.values()]
    expect(history?.events.find(({ id }) => id === sync.id)).toMatchObject({ outcome: 'ok' })
    // the other program's event of that number is not here
    expect(history?.complete).toBe(false)
  })

  it('under one id within one batch, or of two processes, are held against the one that came later', async () => {
    const { store, project } = given()
    const [one, other] = [newProcess(0), newProcess(1)]
    const [start, write, sync, end] = operation()
    const twin = { ...write, outcome: 'rejected' } as SyncproofEvent
    expect(await store.events.append(project, one, [start, write, twin, sync, end])).toMatchObject({
      duplicates: 1,
    })
    expect(await inconsistentOf(store, project, one)).toBe(1)
    await store.events.append(project, other, [sync])
    expect(await inconsistentOf(store, project, one)).toBe(1)
    expect(await inconsistentOf(store, project, other)).toBe(1)
    expect(await doubtOf(store, project, sync)).toEqual({
      inconsistent_copies: { count: 1, differs: ['process_id'] },
    })
    // the same id in another project is another event
    await store.events.append(`${project}x`, one, [twin])
    expect(await doubtOf(store, `${project}x`, twin)).toBeUndefined()
  })
})
