import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freshDatabase } from '../../../tools/testing/servers.ts'
import { openPool } from '../demo/databases.ts'
import { type Database, installHistory, readHistory } from '../demo/oracle/history-trigger.ts'
import { createSchema } from '../src/schema.ts'

interface Engine {
  readonly database: Database
  end(): Promise<void>
}

const engines: Readonly<Record<string, () => Promise<Engine>>> = {
  async PostgreSQL() {
    const fresh = await freshDatabase()
    const { pool, close } = openPool(fresh.url, 8)
    return {
      database: pool,
      async end() {
        await close()
        await fresh.drop()
      },
    }
  },
  async PGlite() {
    const { openPglite } = await import('@syncproof/store/pglite')
    const pool = await openPglite({})
    return { database: pool, end: () => pool.end() }
  },
}

for (const [name, open] of Object.entries(engines)) {
  describe(`the history of every candidate on ${name}`, () => {
    let engine: Engine
    beforeAll(async () => {
      engine = await open()
      await createSchema(engine.database)
      await installHistory(engine.database)
      for (const id of ['c-1', 'c-2', 'c-3', 'c-4'])
        await engine.database.query(
          `INSERT INTO candidates (id, name, email, stage, score, "updatedBy", "updatedAt")
           VALUES ($1, 'Ada', 'ada@x', 'applied', 0, 'import', now())`,
          [id],
        )
    })
    afterAll(() => engine.end())

    async function read(id: string) {
      const { rows } = await engine.database.query(
        'SELECT score, revision::text FROM candidates WHERE id = $1',
        [id],
      )
      return rows[0] as { score: number; revision: string }
    }

    /** As a spread-merge does: what was read goes back, the revision too. */
    async function write(id: string, base: { revision: string }, score: number) {
      const { rows } = await engine.database.query(
        'UPDATE candidates SET score = $2, revision = $3 WHERE id = $1 RETURNING xmin::text, revision::text',
        [id, score, base.revision],
      )
      return rows[0] as { xmin: string; revision: string }
    }

    it('knows what each write had read, what it overwrote, and the version it made', async () => {
      const base = await read('c-1')
      const first = await write('c-1', base, 1)
      const second = await write('c-1', base, 2)
      const [inserted, one, two] = (await readHistory(engine.database)).filter(
        (row) => row.candidateId === 'c-1',
      )
      expect(inserted).toMatchObject({ baseRevision: null, old: null })
      expect(one).toMatchObject({
        xid: first.xmin,
        baseRevision: base.revision,
        old: { score: 0 },
        new: { score: 1 },
      })
      expect(two).toMatchObject({
        xid: second.xmin,
        baseRevision: base.revision,
        old: { score: 1 },
        new: { score: 2 },
      })
      expect(String(two?.old?.revision)).toBe(first.revision)
      expect(String(two?.new.revision)).toBe(second.revision)
      expect(second.revision).not.toBe(base.revision)
    })

    it('knows whether the statement checked the revision', async () => {
      const base = await read('c-3')
      const text = 'UPDATE candidates SET score = 1, revision = $2 WHERE id = $1'
      await engine.database.query(`${text} AND revision = $2`, ['c-3', base.revision])
      await engine.database.query(text, ['c-3', (await read('c-3')).revision])
      const history = (await readHistory(engine.database)).filter((row) => row.candidateId === 'c-3')
      expect(history.map(({ guarded }) => guarded)).toEqual([false, true, false])
    })

    it('keeps the order of the commits while many write the same row at once', async () => {
      const base = await read('c-2')
      await Promise.all(Array.from({ length: 40 }, (_, index) => write('c-2', base, index + 1)))
      const history = (await readHistory(engine.database)).filter((row) => row.candidateId === 'c-2')
      expect(history).toHaveLength(41)
      for (const [index, row] of history.entries())
        if (index > 0) expect(row.old).toEqual(history[index - 1]?.new)
      expect((await read('c-2')).score).toBe(history.at(-1)?.new.score)
    })

    it('holds nothing of a write that was rolled back', async () => {
      await expect(
        engine.database.query(`UPDATE candidates SET score = 'ten' WHERE id = 'c-4'`),
      ).rejects.toThrow()
      const history = (await readHistory(engine.database)).filter((row) => row.candidateId === 'c-4')
      expect(history).toHaveLength(1)
    })
  })
}
