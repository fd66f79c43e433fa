import { randomUUID } from 'node:crypto'
import type { ProcessReport } from '@syncproof/core/contract'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freshDatabase } from '../../tools/testing/servers.ts'
import { migrateStore, openStore, type Store } from '../src/index.ts'
import { openPglite } from '../src/pglite/index.ts'
import { newProcess, operation } from './make-events.ts'

interface Opened {
  readonly store: Store
  query(text: string, values?: unknown[]): Promise<{ rows: Record<string, unknown>[] }>
  close(): Promise<void>
}

const engines: Readonly<Record<string, () => Promise<Opened>>> = {
  async PostgreSQL() {
    const database = await freshDatabase()
    await migrateStore({ url: database.url })
    const store = openStore({ url: database.url })
    const pool = new pg.Pool({ connectionString: database.url, max: 1 })
    return {
      store,
      query: (text, values) => pool.query(text, values),
      async close() {
        await pool.end()
        await store.close()
        await database.drop()
      },
    }
  },
  async PGlite() {
    const pool = await openPglite({})
    await migrateStore({ pool })
    return {
      store: openStore({ pool }),
      query: (text, values) => pool.query(text, values),
      close: () => pool.end(),
    }
  },
}

for (const [engine, open] of Object.entries(engines)) {
  describe(`the books of a process on ${engine}`, () => {
    let opened: Opened
    beforeAll(async () => {
      opened = await open()
    })
    afterAll(() => opened.close())

    /** A process of a project of its own, whose past can be moved. */
    function start(process: ProcessReport = newProcess()) {
      const project = `p-${randomUUID()}`
      const { store, query } = opened
      return {
        project,
        process,
        /** Sends events with these numbers. */
        async report(produced: number, seqs: readonly number[], dropped: Record<string, number> = {}) {
          const events = seqs.map((seq) => ({ ...operation()[1], seq }))
          await store.events.append(project, { ...process, books: { produced, dropped } }, events)
        },
        /** As if all that has happened had happened so much earlier. */
        async pass(interval: string) {
          await query(
            `update syncproof.processes set first_seen_at = first_seen_at - $2::interval,
              last_seen_at = last_seen_at - $2::interval where project_id = $1`,
            [project, interval],
          )
          // over a place where no minute is: two of them must never meet
          for (const by of ['-10000 days', `10000 days ${interval}`])
            await query(
              `update syncproof.process_minutes set minute = minute - $2::interval,
                reported_at = reported_at - $2::interval where project_id = $1`,
              [project, by],
            )
        },
        async books() {
          const [row] = (await store.processes.list(project, { limit: 1 })).items
          const { produced, stored, dropped, in_flight, unaccounted } = row ?? ({} as Record<string, unknown>)
          return { produced, stored, dropped, in_flight, unaccounted }
        },
        async minutes() {
          const page = await store.processes.minutes(project, process.id, { limit: 100 })
          return page?.items.map(({ minute: _, ...books }) => books)
        },
      }
    }
    const upTo = (end: number, from = 0) => Array.from({ length: end - from }, (_, n) => from + n)

    it('call missing what is missing: on its way at first, and unaccounted a minute later', async () => {
      const { report, books, pass } = start()
      await report(10, upTo(7), { sampled: 1 })
      const same = { produced: 10, stored: 7, dropped: { sampled: 1 } }
      expect(await books()).toEqual({ ...same, in_flight: 2, unaccounted: 0 })
      await pass('50 seconds')
      expect(await books()).toEqual({ ...same, in_flight: 2, unaccounted: 0 })
      await pass('20 seconds')
      expect(await books()).toEqual({ ...same, in_flight: 0, unaccounted: 2 })
    })

    it('tell what a process that reports on has lost from what is on its way', async () => {
      const { report, books, pass, minutes } = start()
      await report(10, upTo(7))
      await pass('2 minutes')
      await report(20, upTo(18, 10))
      expect(await books()).toMatchObject({ produced: 20, stored: 15, in_flight: 2, unaccounted: 3 })
      expect(await minutes()).toEqual([
        { produced: 10, stored: 8, dropped: {}, in_flight: 2, unaccounted: 0 },
        { produced: 10, stored: 7, dropped: {}, in_flight: 0, unaccounted: 3 },
      ])
      // those of now come, and one that was given up
      await report(20, [18, 19, 7])
      expect(await books()).toMatchObject({ stored: 18, in_flight: 0, unaccounted: 2 })
      expect(await minutes()).toEqual([
        { produced: 10, stored: 11, dropped: {}, in_flight: 0, unaccounted: 0 },
        { produced: 10, stored: 7, dropped: {}, in_flight: 1, unaccounted: 2 },
      ])
    })

    it('do not take for lost what is always on its way', async () => {
      const { report, books, pass } = start()
      for (let minute = 0; minute < 4; minute += 1) {
        await pass('1 minute')
        // each minute ends while five are on their way
        await report((minute + 1) * 100, upTo(minute * 100 + 95, Math.max(0, minute * 100 - 5)))
      }
      expect(await books()).toMatchObject({ produced: 400, in_flight: 5, unaccounted: 0 })
    })

    it('hold for a process that leaves out so much that its oldest numbers are forgotten', async () => {
      const { report, books, pass, minutes } = start()
      // every other number is sampled out: a range for each that is stored
      const total = 6_000
      for (let from = 0; from < total; from += 1_000)
        await report(
          from + 1_000,
          upTo(from + 1_000, from).filter((seq) => seq % 2 === 0),
          { sampled: from / 2 + 500 },
        )
      await pass('2 minutes')
      await report(total, [], { sampled: total / 2 })
      expect(await books()).toMatchObject({
        produced: total,
        stored: total / 2,
        in_flight: 0,
        unaccounted: 0,
      })
      expect((await minutes())?.at(-1)).toMatchObject({ dropped: { sampled: total / 2 }, unaccounted: 0 })
    })

    it('keep a day of minutes, and go with their process', async () => {
      const { project, process, report, pass, minutes } = start()
      const { rows: none } = await opened.query(
        'select 1 from syncproof.process_minutes where project_id = $1',
        [project],
      )
      expect(none).toEqual([])
      for (let hour = 0; hour < 30; hour += 1) {
        await report(hour + 1, [hour])
        await pass('1 hour')
      }
      await report(31, [30])
      const { rows } = await opened.query(
        'select minute from syncproof.process_minutes where project_id = $1',
        [project],
      )
      expect(rows.length).toBeGreaterThan(23)
      expect(rows.length).toBeLessThan(27)
      // the oldest one tells what was before the next
      expect(await minutes()).toEqual(
        Array.from({ length: rows.length }, () => ({
          produced: 1,
          stored: 1,
          dropped: {},
          in_flight: 0,
          unaccounted: 0,
        })),
      )
      await opened.query('delete from syncproof.processes where project_id = $1 and process_id = $2', [
        project,
        process.id,
      ])
      const { rows: left } = await opened.query(
        'select 1 from syncproof.process_minutes where project_id = $1',
        [project],
      )
      expect(left).toEqual([])
    })

    it('come page by page', async () => {
      const { project, process, report, pass } = start()
      for (let minute = 0; minute < 5; minute += 1) {
        await report(minute + 1, [minute])
        await pass('1 minute')
      }
      const all: string[] = []
      let cursor: string | undefined
      do {
        const page = await opened.store.processes.minutes(project, process.id, { limit: 2, cursor })
        all.push(...(page?.items.map(({ minute }) => minute) ?? []))
        cursor = page?.next_cursor ?? undefined
      } while (cursor !== undefined)
      expect(all).toHaveLength(5)
      expect(all).toEqual([...new Set(all)].sort().reverse())
    })

    it('are not told of a process that is made of spans, nor of one that is not known', async () => {
      const { id } = newProcess()
      const spans = start({ id: `${id.slice(0, 14)}8${id.slice(15)}`, service: 'rating' })
      await spans.report(0, [4_000, 9_000])
      await spans.pass('5 minutes')
      await spans.report(0, [12_000])
      expect(await spans.books()).toMatchObject({
        stored: 3,
        produced: null,
        in_flight: null,
        unaccounted: null,
      })
      expect(await spans.minutes()).toEqual([])
      for (const unknown of [randomUUID(), 'x'])
        expect(await opened.store.processes.minutes(spans.project, unknown, { limit: 5 })).toBeUndefined()
    })

    it('are summed for metrics over all processes that were heard of within a day', async () => {
      const before = await opened.store.processes.books()
      const [lost, old] = [start(), start()]
      await lost.report(10, upTo(6), { queue_full: 1 })
      await old.report(50, [])
      await old.pass('25 hours')
      expect(await opened.store.processes.books()).toMatchObject({
        unaccounted: before.unaccounted,
        inFlight: before.inFlight + 3,
      })
      await lost.pass('2 minutes')
      const after = await opened.store.processes.books()
      expect(after).toMatchObject({ unaccounted: before.unaccounted + 3, inFlight: before.inFlight })
      const full = (books: typeof after) =>
        books.dropped.find(({ reason }) => reason === 'queue_full')?.count ?? 0
      expect(full(after) - full(before)).toBe(1)
    })
  })
}
