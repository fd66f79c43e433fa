import { expect, it } from 'vitest'
import { eachEngine } from '../../tools/testing/stores.ts'
import { InvalidCursorError } from '../src/index.ts'
import { candidate, newProcess, operation } from './make-events.ts'
import { sharedStore } from './shared-store.ts'

const DAY_MS = 24 * 60 * 60 * 1000

eachEngine('events', (open) => {
  const given = sharedStore(open)

  it('sending a batch again, whole or in part, changes nothing', async () => {
    const { store, project } = given()
    const process = newProcess()
    const events = operation()
    expect(await store.events.append(project, process, events.slice(0, 2))).toEqual({
      accepted: 2,
      duplicates: 0,
    })
    expect(await store.events.append(project, process, [...events, ...events])).toEqual({
      accepted: 2,
      duplicates: 6,
    })
    const [row] = (await store.processes.list(project, { limit: 10 })).items
    expect(row).toMatchObject({ stored: 4, produced: 4, in_flight: 0, unaccounted: 0 })
  })

  it('an id is stored once, on whatever day it was made, and another project may have the same', async () => {
    const { store, project } = given()
    const process = newProcess()
    const events = [0, 3, 29].flatMap((days, index) =>
      operation({ timeMs: Date.now() - days * DAY_MS, firstSeq: index * 4 }),
    )
    const twice = await Promise.all([0, 1].map(() => store.events.append(project, process, events)))
    expect(twice.map((receipt) => receipt.accepted).sort()).toEqual([0, 12])
    expect(await store.events.append(`${project}-other`, process, events)).toMatchObject({ accepted: 12 })
  })

  it('events come back as they were sent, with their process', async () => {
    const { store, project } = given()
    const process = newProcess()
    const [started, write, sync, finished] = operation()
    await store.events.append(project, process, [finished, sync, write, started])
    const { items } = await store.events.timeline(project, candidate, { limit: 10 })
    expect(items).toEqual([sync, write, started].map((event) => ({ ...event, process_id: process.id })))
    expect(await store.events.ofEntity(project, candidate, 0)).toEqual(
      [write, sync, finished].map((event) => ({ ...event, process_id: process.id })),
    )
    expect(await store.events.ofEntity(project, candidate, Date.now() + 60_000)).toEqual([])
    expect(await store.events.ofEntity(`${project}-other`, candidate, 0)).toEqual([])
  })

  it('a timeline is read page by page, and a made-up cursor is refused', async () => {
    const { store, project } = given()
    const process = newProcess()
    await store.events.append(project, process, [...operation(), ...operation({ firstSeq: 4 })])
    const seen: string[] = []
    let cursor: string | null = null
    do {
      const page = await store.events.timeline(project, candidate, {
        limit: 2,
        cursor: cursor ?? undefined,
      })
      seen.push(...page.items.map((event) => event.id))
      cursor = page.next_cursor
    } while (cursor !== null)
    expect(seen).toEqual([...new Set(seen)].sort().reverse())
    expect(seen).toHaveLength(6)
    for (const bad of ['', 'x', 'W10', Buffer.from('["1\' or 1=1"]').toString('base64url')]) {
      await expect(store.events.timeline(project, candidate, { limit: 2, cursor: bad })).rejects.toThrow(
        InvalidCursorError,
      )
    }
  })

  it('ids of 4,096 characters, odd offsets and events of unknown kinds are kept', async () => {
    const { store, project } = given()
    const entity = { type: 'é'.repeat(4096), id: '€'.repeat(4096) }
    const [started, write] = operation({ entity })
    const odd = { ...started, at: '2026-01-01T00:00:00+23:00' }
    const opaque = {
      id: operation()[0].id,
      seq: 9,
      at: started.at,
      monotonic_us: 1,
      kind: 'new',
      entity: 'x',
    }
    expect(await store.events.append(project, newProcess(), [odd, write, opaque])).toMatchObject({
      accepted: 3,
    })
    expect((await store.events.timeline(project, entity, { limit: 5 })).items).toHaveLength(2)
  })

  it('the books say what was stored, dropped and may be on its way', async () => {
    const { store, project } = given()
    const process = newProcess()
    const [started, write, , finished] = operation()
    const books = { produced: 7, dropped: { queue_full: 2 } }
    await store.events.append(project, { ...process, books }, [started, write, finished])
    await store.events.append(project, { ...process, books: { produced: 5, dropped: {} } }, [])
    const [row] = (await store.processes.list(project, { limit: 1 })).items
    expect(row).toMatchObject({
      produced: 7,
      stored: 3,
      dropped: { queue_full: 2 },
      in_flight: 2,
      unaccounted: 0,
      ended: false,
    })
    const { operation_id: _, ...base } = finished as typeof finished & { operation_id: string }
    await store.events.append(project, process, [
      { ...base, id: operation()[0].id, seq: 6, kind: 'process_ended', last_seq: 6 } as never,
    ])
    expect((await store.processes.list(project, { limit: 1 })).items[0]).toMatchObject({
      ended: true,
      stored: 4,
    })
  })
})
