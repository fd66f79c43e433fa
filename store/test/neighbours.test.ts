import { randomUUID } from 'node:crypto'
import type { ProcessReport, SyncproofEvent } from '@syncproof/core/contract'
import { expect, it } from 'vitest'
import { eachEngine } from '../../tools/testing/stores.ts'
import type { DetectionBatch, DetectionRules, DetectionVerdicts, HazardCall, Store } from '../src/index.ts'
import { finding, newProcess, operation } from './make-events.ts'
import { sharedStore } from './shared-store.ts'

const NOTHING: DetectionVerdicts = { findings: [], resolved: [] }

/** Every write of an entity is linked with every other one. */
const rules: DetectionRules = {
  linksOf: (event) => (event.kind === 'write' ? [`entity:${event.entity.id}`] : []),
  linksWanted: ({ events }, hop) =>
    hop > 1 ? [] : events.flatMap((event) => (event.kind === 'write' ? [`entity:${event.entity.id}`] : [])),
  exposedCallOf: ({ details }) => details.call as HazardCall | undefined,
  missMs: (a, b) => Math.max(0, a.fromMs - b.untilMs, b.fromMs - a.untilMs),
  collisionsAMonth: ({ orderedPairs }) => orderedPairs,
  contradictionsWithin: () => [],
  madeVersion: () => undefined,
  madeTwice: () => false,
  versionLink: (version) => version,
  hidesVersion: () => false,
  mayHide: () => false,
  windowOf: () => undefined,
  limits: { hopsMax: 4, neighboursMax: 8, eventsPerLinkMax: 3, linkWindowMs: 60_000 },
}

eachEngine('operations that share a link', (open) => {
  const given = sharedStore(open)

  it('are shown together to whichever is judged last, also where two lanes judge at the same moment', async () => {
    const { store, project } = given()
    for (let round = 0; round < 25; round++) {
      const entity = { type: 'candidate', id: randomUUID() }
      const shown: number[] = []
      const judge = async ({ operations }: DetectionBatch) => {
        for (const { neighbours, events } of operations)
          if (events.some((event) => 'entity' in event && event.entity.id === entity.id))
            shown.push(neighbours.length)
        return NOTHING
      }
      await Promise.all(
        [0, 1].map(async (lane) => {
          await store.events.append(project, newProcess(lane), operation({ entity }))
          await store.detection.step(lane, 100, judge, rules)
        }),
      )
      expect(shown).toHaveLength(2)
      expect(Math.max(...shown)).toBe(1)
    }
  })

  it('are the nearest few, however many there are', async () => {
    const { store, project } = given()
    const entity = { type: 'candidate', id: randomUUID() }
    const startMs = Date.now() - 50_000
    const process = newProcess(2)
    const ids: string[] = Array.from({ length: 40 }, () => randomUUID())
    for (const [index, operationId] of ids.entries()) {
      const timeMs = startMs + index * 1_000
      await store.events.append(
        project,
        process,
        operation({ operationId, entity, timeMs, firstSeq: index * 4 }),
      )
    }
    const batches = await drain(store, 2)
    const neighbours = batches
      .flatMap(({ operations }) => operations)
      .find(({ operationId }) => operationId === ids[20])
      ?.neighbours.map(({ operationId }) => ids.indexOf(operationId))
    // its own event is among the three from its beginning on
    expect(neighbours?.sort((a, b) => a - b)).toEqual([17, 18, 19, 21, 22])
  })

  it('are found by whatever event of an operation names it, its start too', async () => {
    const { store, project } = given()
    const entity = { type: 'candidate', id: randomUUID() }
    for (const kind of ['operation_started', 'write', 'sync', 'operation_finished'] as const) {
      const link = `${kind} ${randomUUID()}`
      const own: DetectionRules = {
        ...rules,
        linksOf: (event) => (event.kind === kind && JSON.stringify(event).includes(entity.id) ? [link] : []),
        linksWanted: (_, hop) => (hop > 1 ? [] : [link]),
      }
      for (let index = 0; index < 2; index++)
        await store.events.append(project, newProcess(1), operation({ entity }))
      const found = (await drain(store, 1, own)).flatMap(({ operations }) => operations)
      // an end names no record, so no link was given out for it
      const wanted = kind === 'operation_finished' ? [0, 0] : [1, 1]
      expect(
        found.map(({ neighbours }) => neighbours.length),
        kind,
      ).toEqual(wanted)
    }
  })

  it('are not looked for further away than the window', async () => {
    const { store, project } = given()
    const entity = { type: 'candidate', id: randomUUID() }
    const nowMs = Date.now()
    for (const timeMs of [nowMs - 120_000, nowMs])
      await store.events.append(project, newProcess(3), operation({ entity, timeMs }))
    const found = (await drain(store, 3)).flatMap(({ operations }) => operations)
    expect(found.map(({ neighbours }) => neighbours.length)).toEqual([0, 0])
  })
})

eachEngine('an operation whose process has ended', (open) => {
  const given = sharedStore(open)
  const end = (seq: number, event: SyncproofEvent): SyncproofEvent => {
    const { id, at } = event
    return { id: `${id.slice(0, -4)}ffff`, seq, at, monotonic_us: 9, kind: 'process_ended', last_seq: seq }
  }
  const ends = (batches: readonly DetectionBatch[], operationId: string) =>
    batches
      .flatMap(({ operations }) => operations)
      .filter((row) => row.operationId === operationId)
      .map(({ processEnd }) => processEnd?.whole)

  it('is judged again with the end, and once more when what was missing has come', async () => {
    const { store, project } = given()
    const process: ProcessReport = newProcess(0)
    const operationId = randomUUID()
    const [started, write] = operation({ operationId })
    const [late] = operation({ firstSeq: 2 })
    await store.events.append(project, process, [started, write])
    expect(ends(await drain(store, 0), operationId)).toEqual([undefined])
    await store.events.append(project, process, [end(3, started)])
    expect(ends(await drain(store, 0), operationId)).toEqual([false])
    await store.events.append(project, process, [late])
    expect(ends(await drain(store, 0), operationId)).toEqual([true])
  })

  it('knows of the end also where its events come afterwards', async () => {
    const { store, project } = given()
    const process = newProcess(1)
    const operationId = randomUUID()
    const [started, write] = operation({ operationId })
    await store.events.append(project, process, [end(2, started)])
    await drain(store, 1)
    await store.events.append(project, process, [started, write])
    expect(ends(await drain(store, 1), operationId)).toEqual([true])
  })
})

eachEngine('the calls of a function with a hazard', (open) => {
  const given = sharedStore(open)

  it('are counted once each, with the nearest miss of one entity', async () => {
    const { store, project } = given()
    const process = newProcess(2)
    const calls: readonly [entity: string, fromMs: number][] = [
      ['a', 1_000],
      ['b', 1_010],
      ['a', 1_500],
      ['a', 1_040],
      ['a', 1_700],
    ]
    for (const [index, [id, fromMs]] of calls.entries()) {
      const operationId = randomUUID()
      const call: HazardCall = { entity: { type: 'candidate', id }, fromMs, untilMs: fromMs + 20 }
      const hazard = finding('unguarded-read-modify-write', {
        verdict: 'hazard',
        cause: { operation_id: operationId, operation: 'syncCandidate' },
        details: { call },
      })
      for (const event of operation({ operationId, firstSeq: index * 4 })) {
        await store.events.append(project, process, [event])
        await store.detection.step(2, 10, async () => ({ findings: [hazard], resolved: [] }), rules)
      }
    }
    const { items } = await store.findings.list(project, {}, { limit: 5 })
    expect(items).toMatchObject([
      {
        occurrences: 5,
        details: {
          traffic: {
            calls: 5,
            since: '1970-01-01T00:00:01.000Z',
            nearest_miss_ms: 180,
            collisions_a_month: 12,
          },
        },
      },
    ])
  })
})

async function drain(store: Store, lane: number, by = rules): Promise<readonly DetectionBatch[]> {
  const batches: DetectionBatch[] = []
  const judge = async (batch: DetectionBatch) => {
    batches.push(batch)
    return NOTHING
  }
  while ((await store.detection.step(lane, 500, judge, by)).events > 0);
  return batches
}
