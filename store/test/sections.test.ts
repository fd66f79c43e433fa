import { randomBytes, randomUUID } from 'node:crypto'
import { findingId, type ProcessReport, type SyncproofEvent } from '@syncproof/core/contract'
import { expect, it } from 'vitest'
import { eachEngine } from '../../tools/testing/stores.ts'
import type { DetectionVerdicts, SectionFilter, Store } from '../src/index.ts'
import { finding, newProcess, operation } from './make-events.ts'
import { sharedStore } from './shared-store.ts'

const NOTHING: DetectionVerdicts = { findings: [], resolved: [] }
const judge = async () => NOTHING

/** One run of a section: both of its events, which follow each other in the sequence. */
function run(name: string, locked: boolean | undefined, firstSeq: number): [SyncproofEvent, SyncproofEvent] {
  const [entered, left] = operation({ operationId: randomUUID(), firstSeq })
  const { id, seq, at, monotonic_us, operation_id } = entered as Extract<
    SyncproofEvent,
    { kind: 'operation_started' }
  >
  const facts = {
    ...{ at, monotonic_us, operation_id, name, entity: { type: 'candidate', id: '1' } },
    ...{ protection: 'row_lock' as const, transaction: 't', ...(locked !== undefined && { locked }) },
  }
  return [
    { ...facts, kind: 'section_entered', id, seq },
    { ...facts, kind: 'section_left', id: left.id, seq: seq + 1 },
  ]
}

async function drain(store: Store): Promise<void> {
  for (let lane = 0; lane < store.detection.lanes; lane++) {
    while ((await store.detection.step(lane, 1_000, judge)).events > 0);
  }
}

eachEngine('the counts of a section', (open) => {
  const given = sharedStore(open)

  const list = async (store: Store, project: string, filter: SectionFilter = {}) =>
    (await store.sections.list(project, filter, { limit: 100 })).items

  /** Stores each of these and judges it before the next one comes. */
  async function tell(project: string, process: ProcessReport, batches: readonly SyncproofEvent[][]) {
    for (const events of batches) {
      await given().store.events.append(project, process, events)
      await drain(given().store)
    }
  }

  it('tell of each service and release how often a section held its lock', async () => {
    const { store, project } = given()
    const [old, now] = [newProcess(0), { ...newProcess(1), release: 'r2' }]
    const { release: _, ...unnamed } = { ...newProcess(2), service: 'worker' }
    await tell(project, old, [[...run('hire', true, 0), ...run('hire', true, 2), ...run('fire', true, 4)]])
    await tell(project, now, [
      [...run('hire', false, 0), ...run('hire', true, 2), ...run('hire', undefined, 4)],
    ])
    await tell(project, unnamed, [run('hire', true, 0)])
    const zero = { foreign_version: 0, overlap: 0, holds_nothing: 0, undecided: 0 }
    const hire = { name: 'hire', service: 'candidate-api', protections: ['row_lock'], void: zero }
    expect(await list(store, project, { name: 'hire' })).toMatchObject([
      { ...hire, service: 'worker', release: null, entered: 1, held: 1 },
      { ...hire, release: 'r2', entered: 3, held: 1, not_held: 1, unknown: 1 },
      { ...hire, release: 'r1', entered: 2, held: 2, not_held: 0, unknown: 0 },
    ])
    expect(await list(store, `${project}-other`)).toEqual([])
  })

  it('count a run once, in whatever order and how often its events come, and where one of them is lost', async () => {
    const { store, project } = given()
    const [entered, left] = run('apart', true, 0)
    const [late, early] = run('late', true, 2)
    const [kept] = run('begun', true, 4)
    const [, end] = run('ended', false, 6)
    await tell(project, newProcess(0), [[entered], [left], [early], [late], [kept], [end], [entered, left]])
    const counted = (await list(store, project)).map(({ name, held, not_held }) => ({ name, held, not_held }))
    expect(counted.sort((a, b) => (a.name < b.name ? -1 : 1))).toEqual([
      { name: 'apart', held: 1, not_held: 0 },
      { name: 'begun', held: 1, not_held: 0 },
      { name: 'ended', held: 0, not_held: 1 },
      { name: 'late', held: 1, not_held: 0 },
    ])
  })

  it('say how many events of the release are missing: dropped, or lost by a process that is gone', async () => {
    const { store, project } = given()
    const books = (produced: number, dropped: Record<string, number>) => ({ books: { produced, dropped } })
    const on = async (lane: number, release: string, more: object, events: SyncproofEvent[]) =>
      tell(project, { ...newProcess(lane), release, ...more }, [events])
    await on(0, 'whole', books(2, {}), run('hire', true, 0))
    await on(1, 'running', books(9, {}), run('hire', true, 0))
    await on(2, 'dropping', books(9, { sampled: 4, queue_full: 1 }), run('hire', true, 0))
    const [{ id, at, monotonic_us }] = run('', true, 0)
    const end: SyncproofEvent = { id, at, monotonic_us, kind: 'process_ended', seq: 8, last_seq: 8 }
    await on(3, 'ended', books(9, {}), [...run('hire', true, 0), end])
    const missing = (await list(store, project)).map(({ release, events_missing }) => [
      release,
      events_missing,
    ])
    expect(Object.fromEntries(missing)).toEqual({ whole: 0, running: 0, dropping: 5, ended: 6 })
  })

  it('count a run whose other end is stored and not judged yet, once it is', async () => {
    const { store, project } = given()
    const [entered, left] = run('half', true, 0)
    await store.events.append(project, newProcess(0), [left, entered])
    expect(await store.detection.step(0, 1, judge)).toMatchObject({ events: 1 })
    expect(await list(store, project)).toMatchObject([{ entered: 1 }])
    await drain(store)
    expect(await list(store, project)).toMatchObject([{ entered: 1 }])
  })

  it('are those of the events that were judged: a step that dies counts nothing', async () => {
    const { store, project } = given()
    await store.events.append(project, newProcess(0), run('hire', true, 0))
    const dying = store.detection.step(0, 100, async () => {
      throw new Error('killed')
    })
    await expect(dying).rejects.toThrow('killed')
    expect(await list(store, project)).toEqual([])
    await drain(store)
    expect(await list(store, project)).toMatchObject([{ entered: 1 }])
  })

  it('tell of void locks by way, each finding once, and of what is not proven apart', async () => {
    const { store, project } = given()
    const found = (how: string, primary: string, verdict: 'proven' | 'indeterminate' = 'proven') =>
      finding('lock-void', {
        id: findingId('lock-void', primary),
        verdict,
        cause: { service: 'candidate-api', release: 'r1' },
        details: { how, section: 'hire' },
      })
    const findings = [
      found('holds-nothing', 'a'),
      found('foreign-version', 'b'),
      found('foreign-version', 'c'),
      found('overlap', 'd'),
      found('overlap', 'e', 'indeterminate'),
      finding('lost-update', { details: { how: 'overlap', section: 'hire' } }),
    ]
    for (const firstSeq of [0, 2]) {
      await store.events.append(project, newProcess(0), run('hire', false, firstSeq))
      await store.detection.step(0, 100, async () => ({ findings, resolved: [] }))
    }
    expect(await list(store, project)).toMatchObject([
      {
        entered: 2,
        not_held: 2,
        void: { foreign_version: 2, overlap: 1, holds_nothing: 1, undecided: 1 },
      },
    ])
  })

  it('add up where several lanes count the same sections at once', async () => {
    const { store, project } = given()
    const sections = ['a', 'b', 'c', 'd']
    for (let lane = 0; lane < 4; lane++) {
      const names = lane % 2 === 0 ? sections : sections.toReversed()
      const process = newProcess(lane)
      await store.events.append(
        project,
        process,
        Array.from({ length: 10 }, (_, round) =>
          names.flatMap((name, place) => run(name, true, (round * 4 + place) * 2)),
        ).flat(),
      )
    }
    const lanes = Array.from({ length: 4 }, async (_, lane) => {
      while ((await store.detection.step(lane, 7, judge)).events > 0);
    })
    await Promise.all(lanes)
    expect((await list(store, project)).map(({ entered }) => entered)).toEqual([40, 40, 40, 40])
  })

  it('are kept under a name of any length', async () => {
    const { store, project } = given()
    // 4,096 characters that do not compress
    const name = randomBytes(3_072).toString('base64')
    await tell(project, newProcess(0), [run(name, true, 0)])
    expect(await list(store, project, { name })).toMatchObject([{ name, entered: 1 }])
  })

  it('are listed by name, service, release and time, a page at a time, the newest first', async () => {
    const { store, project } = given()
    for (const [n, name] of ['a', 'b', 'c'].entries()) {
      await tell(project, { ...newProcess(0), service: `s${n}`, release: `r${n}` }, [run(name, true, 0)])
    }
    const names = async (filter: SectionFilter) =>
      (await list(store, project, filter)).map(({ name }) => name)
    expect(await names({})).toEqual(['c', 'b', 'a'])
    expect(await names({ service: 's1' })).toEqual(['b'])
    expect(await names({ release: 'r2' })).toEqual(['c'])
    expect(await names({ name: 'a', release: 'r2' })).toEqual([])
    expect(await names({ since: new Date(Date.now() + 60_000).toISOString() })).toEqual([])
    expect(await names({ since: new Date(Date.now() - 60_000).toISOString() })).toHaveLength(3)
    const paged: string[] = []
    let cursor: string | null | undefined
    do {
      const page = await store.sections.list(project, {}, { limit: 1, cursor: cursor ?? undefined })
      paged.push(...page.items.map(({ name }) => name))
      cursor = page.next_cursor
    } while (cursor)
    expect(paged).toEqual(['c', 'b', 'a'])
    const counts = await store.sections.counts()
    expect(counts.find(({ name }) => name === 'a')).toMatchObject({ name: 'a', not_held: 0, unknown: 0 })
  })
})
