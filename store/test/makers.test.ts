import { randomUUID } from 'node:crypto'
import { findingId, formatToken, type ProcessReport, type SyncproofEvent } from '@syncproof/core/contract'
import { detectionRules, unseenVersions } from '@syncproof/core/detection'
import { expect, it, vi } from 'vitest'
import { eachEngine } from '../../tools/testing/stores.ts'
import type { DetectionBatch, MakersLooked, Store } from '../src/index.ts'
import { candidate, finding, newProcess, operation } from './make-events.ts'
import { sharedStore } from './shared-store.ts'

const token = (value: number) =>
  formatToken({ kind: 'xmin', database: '7-5', table: '16385', key: '42', value: String(value) })

/** An operation whose write made one version and replaced another one unseen. */
function replacing(replaced: number, made: number, firstSeq = 0): readonly SyncproofEvent[] {
  return operation({ firstSeq }).map((event) =>
    event.kind === 'write'
      ? {
          ...event,
          ...{ base_version: token(100), known_versions: [token(100)], overwritten_version: token(replaced) },
          ...{ overwritten_by_self: false, version: token(made), transaction: 'none' },
        }
      : event,
  )
}

const withBooks = (
  process: ProcessReport,
  produced: number,
  dropped: Readonly<Record<string, number>> = {},
): ProcessReport => ({ ...process, clock: { offset_ms: [0, 0] }, books: { produced, dropped } })

eachEngine('the maker of a version', (open) => {
  const given = sharedStore(open)
  const options = {
    ...{ graceMs: 0, silentMsMax: 30_000, waitMsMax: 600_000, clockMarginMs: 5_000 },
    resolution: { at: new Date().toISOString(), why: 'late' },
    rules: detectionRules,
  }

  /** Judges all that is there. */
  async function judged(store: Store, project: string): Promise<void> {
    const judge = async ({ projectId, operations, events }: DetectionBatch) => {
      const fresh = new Set(events.map(({ id }) => id))
      const unseen = operations.flatMap((row) =>
        unseenVersions(row)
          .filter(({ eventId }) => fresh.has(eventId))
          .map((each) => ({ ...each, operationId: row.operationId })),
      )
      return { findings: [], resolved: [], ...(projectId === project && { unseen }) }
    }
    for (const lane of [0, 1, 2, 3])
      while ((await store.detection.step(lane, 100, judge, detectionRules)).events > 0);
  }

  /** One look at all that is due. */
  const look = (store: Store, project: string, more: Partial<typeof options> = {}) =>
    store.makers.look(project, { ...options, ...more }, ({ unclaimed }) =>
      [...unclaimed].map((version) =>
        finding('unobserved-write', { id: findingId('unobserved-write', version), verdict: 'observed' }),
      ),
    )

  /** Looks until one is decided. */
  async function decided(store: Store, project: string): Promise<MakersLooked['decided']> {
    return vi.waitFor(
      async () => {
        const looked = await look(store, project)
        expect(Object.values(looked.decided).some((count) => count > 0)).toBe(true)
        return looked.decided
      },
      { timeout: 20_000 },
    )
  }

  const MADE = { made: 1, unobserved: 0, undecided: 0 }
  const UNOBSERVED = { made: 0, unobserved: 1, undecided: 0 }
  const UNDECIDED = { made: 0, unobserved: 0, undecided: 1 }

  it('is nobody where all that any process produced is stored', async () => {
    const { store, project } = given()
    const [process, other] = [newProcess(0), newProcess(1)]
    await store.events.append(project, withBooks(process, 4), replacing(200, 201))
    await store.events.append(project, withBooks(other, 0), [])
    await judged(store, project)
    for (const [each, produced] of [
      [process, 4],
      [other, 0],
    ] as const)
      await store.events.append(project, withBooks(each, produced), [])
    expect(await decided(store, project)).toEqual(UNOBSERVED)
    const { items } = await store.findings.list(project, {}, { limit: 5 })
    expect(items).toMatchObject([{ id: findingId('unobserved-write', token(200)), status: 'open' }])
    await vi.waitFor(async () => {
      await look(store, project)
      expect(await store.makers.due(project)).toBe(false)
    })
  })

  it('is not said to be nobody while a process reports by spans: it counts nothing', async () => {
    const { store, project } = given()
    const process = newProcess(0)
    const { id, service } = newProcess(1)
    const spans = { id: `${id.slice(0, 14)}8${id.slice(15)}`, service }
    await store.events.append(project, withBooks(process, 4), replacing(200, 201))
    await judged(store, project)
    await store.events.append(project, withBooks(process, 4), [])
    await store.events.append(project, spans, operation({ operationId: randomUUID() }))
    await judged(store, project)
    for (let looks = 0; looks < 3; ) {
      if (!(await store.makers.due(project))) continue
      expect((await look(store, project)).decided).toEqual({ made: 0, unobserved: 0, undecided: 0 })
      looks += 1
    }
  })

  it('is whoever reported it, whatever is missing otherwise', async () => {
    const { store, project } = given()
    await store.events.append(project, withBooks(newProcess(0), 900), replacing(200, 201))
    const [, made] = replacing(199, 200)
    const blind = { ...made, overwritten_version: undefined } as SyncproofEvent
    await store.events.append(project, withBooks(newProcess(1), 900), [blind])
    await judged(store, project)
    const looked = await vi.waitFor(async () => {
      const { decided } = await look(store, project)
      expect(decided.made).toBe(1)
      return decided
    })
    expect(looked).toEqual(MADE)
  })

  it('is waited for while a number is missing of what a process had produced, and found when it comes', async () => {
    const { store, project } = given()
    const other = newProcess(2)
    const [late] = operation({ operationId: randomUUID() })
    const process = newProcess(0)
    await store.events.append(project, withBooks(process, 4), replacing(200, 201))
    await judged(store, project)
    await store.events.append(project, withBooks(process, 4), [])
    await store.events.append(project, withBooks(other, 1), [])
    for (let looks = 0; looks < 3; ) {
      if (!(await store.makers.due(project))) continue
      expect((await look(store, project)).decided).toEqual({ made: 0, unobserved: 0, undecided: 0 })
      looks += 1
    }
    // of a call that only began: the one that made it may still come
    await store.events.append(project, withBooks(other, 1), [late])
    await judged(store, project)
    for (let looks = 0; looks < 3; ) {
      if (!(await store.makers.due(project))) continue
      expect((await look(store, project)).decided).toEqual({ made: 0, unobserved: 0, undecided: 0 })
      looks += 1
    }
    const ended = {
      ...late,
      id: `${late.id.slice(0, -4)}ffff`,
      seq: 1,
      kind: 'operation_finished',
      outcome: 'ok',
    }
    await store.events.append(project, withBooks(other, 2), [ended as SyncproofEvent])
    await judged(store, project)
    expect(await decided(store, project)).toEqual(UNOBSERVED)
  })

  it.each([
    ['dropped an event', { queue_full: 1 }],
    ['left a call out', { sampled: 3 }],
  ])('is unknown where a process %s', async (_, dropped) => {
    const { store, project } = given()
    await store.events.append(project, withBooks(newProcess(0), 4), replacing(200, 201))
    await store.events.append(project, withBooks(newProcess(1), 3, dropped), [])
    await judged(store, project)
    expect(await decided(store, project)).toEqual(UNDECIDED)
  })

  it('is unknown where it may be among what was erased', async () => {
    const { store, project } = given()
    const [process, other] = [newProcess(0), newProcess(1)]
    const [started, made, , ended] = replacing(199, 200)
    const maker = [started, made, ended].map((event, seq) => ({ ...event, seq }) as SyncproofEvent)
    await store.events.append(project, withBooks(other, 3), maker)
    await judged(store, project)
    const { signal } = new AbortController()
    await store.erasure.erase(project, candidate, { signal, rules: detectionRules })
    await store.events.append(project, withBooks(process, 4), replacing(200, 201))
    await judged(store, project)
    for (const each of [withBooks(process, 4), withBooks(other, 3)])
      await store.events.append(project, each, [])
    expect(await decided(store, project)).toEqual(UNDECIDED)
  })

  it('is unknown where nobody could tell for too long', async () => {
    const { store, project } = given()
    await store.events.append(project, withBooks(newProcess(0), 5), replacing(200, 201))
    await judged(store, project)
    await vi.waitFor(async () => {
      const { decided } = await look(store, project, { waitMsMax: 1 })
      expect(decided).toEqual(UNDECIDED)
    })
    expect(await store.makers.due(project)).toBe(false)
  })

  it('is looked for on its own for each project', async () => {
    const { store, project } = given()
    await store.events.append(project, withBooks(newProcess(0), 4), replacing(200, 201))
    await judged(store, project)
    expect(await store.makers.due(`${project}-other`)).toBe(false)
    expect(await store.makers.due(project)).toBe(true)
  })
})
