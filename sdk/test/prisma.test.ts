import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { PrismaPg } from '@prisma/adapter-pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createSyncproof, type Syncproof } from '../src/index.ts'
import { prismaPool, syncproofPrisma } from '../src/prisma/index.ts'
import { lostFields } from './lost-fields.ts'
import { type AppDatabase, openPostgres } from './pg-engines.ts'
import { type GeneratedClient, generateClient } from './prisma-client.ts'
import { type RecordingServer, recordingServer } from './recording-server.ts'

interface Candidate {
  id: string
  name: string | null
  stage: 'NEW' | 'HIRED'
  tags: unknown
  score: number
  salary: object | null
  updatedAt: Date | null
}

type Args = Readonly<Record<string, unknown>>

/** As much of the generated client as the tests call; its real types are tested in prisma/types.mts. */
interface Client {
  candidate: Record<
    'findUnique' | 'findFirst' | 'update' | 'create' | 'upsert' | 'delete',
    (args: Args) => Promise<Candidate>
  > & {
    findMany(args: Args): Promise<Candidate[]>
    updateMany(args: Args): Promise<{ count: number }>
  }
  $transaction(run: (tx: Client) => Promise<unknown>, options?: Args): Promise<unknown>
  $transaction(calls: Promise<unknown>[]): Promise<unknown[]>
  $queryRaw(text: TemplateStringsArray, ...values: unknown[]): Promise<unknown>
  $extends(extension: unknown): Client
  $disconnect(): Promise<void>
}

describe('the Prisma adapter', () => {
  let generated: GeneratedClient
  let database: AppDatabase
  let server: RecordingServer
  let syncproof: Syncproof
  let plain: Client
  let db: Client

  beforeAll(async () => {
    generated = await generateClient()
    database = await openPostgres()
    const { PrismaClient } = (await import(join(generated.folder, 'client/client.ts'))) as {
      PrismaClient: new (options: object) => Client
    }
    plain = new PrismaClient({ adapter: new PrismaPg(prismaPool(database.pool)) })
    db = plain.$extends(syncproofPrisma())
    await database.pool.query(await readFile(new URL('prisma/tables.sql', import.meta.url), 'utf8'))
  })
  afterAll(async () => {
    await plain.$disconnect()
    await database.close()
    await generated.remove()
  })
  beforeEach(async () => {
    server = await recordingServer()
    syncproof = createSyncproof({ service: 'test', url: server.url, fingerprintKey: 'k' })
    await database.pool.query(`TRUNCATE candidates, notes;
      INSERT INTO candidates (id, name, tags, score, salary, updated_at)
      VALUES ('c1', 'Ann', '["a"]', 1, 10.5, now()), ('c2', 'Bob', '[]', 2, NULL, NULL)`)
  })
  afterEach(async () => {
    await syncproof.shutdown()
    await server.close()
  })

  const entity = (id: string) => ({ type: 'candidate', id })
  const wrapped = <T>(run: (id: string) => Promise<T>) => syncproof.wrap(run, { entity })

  it('the function of the seed needs no mark: its read and its write are told in the words of the schema', async () => {
    const sync = syncproof.wrap(
      async function syncCandidate(candidateId: string, updates: Partial<Candidate>) {
        const existing = await db.candidate.findUnique({ where: { id: candidateId } })
        const merged = { ...existing, ...updates, updatedAt: new Date() }
        await db.candidate.update({ where: { id: candidateId }, data: merged })
        return merged
      },
      { entity },
    )
    expect(await sync('c1', { stage: 'HIRED' })).toMatchObject({ id: 'c1', name: 'Ann', stage: 'HIRED' })
    await syncproof.flush()
    expect(server.events().map((event) => event.kind)).toEqual([
      'operation_started',
      'read',
      'write',
      'operation_finished',
    ])
    const [read] = server.ofKind('read')
    const [write] = server.ofKind('write')
    expect(read).toMatchObject({ system: 'db', entity: { type: 'candidate', id: 'c1' }, found: true })
    expect(Object.keys(read?.fields ?? {}).sort()).toEqual(
      ['id', 'name', 'salary', 'score', 'stage', 'tags', 'updatedAt'].sort(),
    )
    expect(write).toMatchObject({
      action: 'update',
      base_version: read?.version,
      overwritten_version: read?.version,
      known_versions: [read?.version],
      overwritten_by_self: false,
      base_fields: read?.fields,
      overwritten_fields: read?.fields,
      assigned: {
        id: 'supplied',
        name: 'value',
        stage: 'supplied',
        tags: 'value',
        score: 'value',
        salary: 'value',
        updatedAt: 'last_write_wins',
      },
      transaction: 'none',
      guard: 'none',
      outcome: 'ok',
    })
    expect(write?.known_incomplete).toBeUndefined()
  })

  it('of two calls at once, the one that overwrites the other says so, although Prisma reads for both at once', async () => {
    let read = 0
    const both = Promise.withResolvers<void>()
    const sync = syncproof.wrap(
      async function syncCandidate(candidateId: string, updates: Partial<Candidate>) {
        const existing = await db.candidate.findUnique({ where: { id: candidateId } })
        read += 1
        if (read === 2) both.resolve()
        await both.promise
        const merged = { ...existing, ...updates, updatedAt: new Date() }
        await db.candidate.update({ where: { id: candidateId }, data: merged })
      },
      { entity },
    )
    await Promise.all([sync('c1', { stage: 'HIRED' }), sync('c1', { name: 'Anna' })])
    await syncproof.flush()
    const reads = server.ofKind('read')
    const writes = server.ofKind('write')
    expect(new Set(reads.map((event) => event.operation_id)).size).toBe(2)
    const first = writes.find((write) => write.overwritten_version === write.base_version)
    const second = writes.find((write) => write !== first)
    expect(second).toMatchObject({
      overwritten_version: first?.version,
      known_versions: [first?.base_version],
      base_version: first?.base_version,
      overwritten_by_self: false,
      outcome: 'ok',
    })
    const lost = first?.assigned.stage === 'supplied' ? 'stage' : 'name'
    expect([...lostFields(server)]).toEqual([[second?.operation_id, [lost]]])
  })

  it('a read that Prisma sends for another call is not taken for ours', async () => {
    const own = wrapped(async () => {
      await db.candidate.findUnique({ where: { id: 'c1' } })
    })
    await Promise.all([
      db.candidate.findUnique({ where: { id: 'c2' } }),
      own('c1'),
      db.candidate.findUnique({ where: { id: 'c2' } }),
    ])
    await syncproof.flush()
    expect(server.ofKind('read')).toMatchObject([{ entity: { type: 'candidate', id: 'c1' } }])
  })

  it('what a client without the extension read is not guessed: the write says that it does not know all', async () => {
    await wrapped(async (id) => {
      await plain.candidate.findUnique({ where: { id } })
      await db.candidate.update({ where: { id }, data: { score: 3 } })
    })('c1')
    await syncproof.flush()
    expect(server.ofKind('read')).toEqual([])
    expect(server.ofKind('write')).toMatchObject([
      { known_versions: [], known_incomplete: true, outcome: 'ok' },
    ])
  })

  it('the app gets what it gets without it', async () => {
    const id = 'c7'
    const all = async () => [
      await db.candidate.create({ data: { id, tags: [1], salary: '3.25' } }),
      await db.candidate.update({
        where: { id },
        data: { score: { increment: 2 } },
        select: { score: true },
      }),
      await db.candidate.update({
        where: { id },
        data: { notes: { create: { id: 1, text: 'n' } } },
        include: { notes: true },
      }),
      await db.candidate.upsert({ where: { id }, update: { name: 'U' }, create: { id } }),
      await db.candidate.updateMany({ where: { id }, data: { name: 'M' } }),
      await db.candidate.updateMany({ where: { id: 'nobody' }, data: { name: 'M' } }),
      await db.candidate.findFirst({ where: { id }, include: { notes: true } }),
      await db.candidate.findMany({ where: { name: 'M' }, select: { name: true } }),
      await db.candidate.findUnique({ where: { id: 'nobody' } }),
      await db.$queryRaw`SELECT id, score + 1 AS next FROM candidates WHERE id = ${id}`,
      await db.$queryRaw`DELETE FROM notes RETURNING text`,
      await db.candidate.delete({ where: { id } }),
      await db.candidate.update({ where: { id }, data: {} }).catch((error) => error.code),
      await db.candidate.create({ data: { id: 'c1' } }).catch((error) => error.code),
    ]
    const expected = await all()
    expect(await wrapped(all)('c1')).toEqual(expected)
    expect(expected.slice(-2)).toEqual(['P2025', 'P2002'])
  })

  it('what a transaction wrote is told with its outcome', async () => {
    const set = (on: Client, score: number) => on.candidate.update({ where: { id: 'c1' }, data: { score } })
    await wrapped(async () => {
      await db.$transaction((tx) => set(tx, 5), { isolationLevel: 'RepeatableRead' })
      await db
        .$transaction(async (tx) => {
          await set(tx, 6)
          throw new Error('no')
        })
        .catch(() => {})
      await db.$transaction([db.candidate.findUnique({ where: { id: 'c1' } }), set(db, 7)])
    })('c1')
    await syncproof.flush()
    expect(server.ofKind('write').map(({ outcome }) => outcome)).toEqual(['ok', 'rejected', 'ok'])
    expect(
      server.ofKind('transaction_finished').map(({ outcome, isolation }) => [outcome, isolation]),
    ).toEqual([
      ['ok', 'repeatable read'],
      ['rejected', 'read committed'],
      ['ok', 'read committed'],
    ])
    const [, , last] = server.ofKind('write')
    expect(last?.known_versions).toContain(last?.overwritten_version)
  })

  it('an upsert never claims that there was no row, and what SQL computes is no value of the app', async () => {
    await wrapped(async (id) => {
      await db.candidate.upsert({ where: { id }, update: { name: 'U' }, create: { id } })
      await db.candidate.update({ where: { id }, data: { score: { increment: 1 } } })
      await db.candidate.delete({ where: { id } })
    })('c1')
    await syncproof.flush()
    const [upsert, update, deleted] = server.ofKind('write')
    expect(upsert).toMatchObject({ action: 'upsert', outcome: 'ok' })
    expect(upsert?.overwritten_version).toBeUndefined()
    expect(update?.assigned).toEqual({ score: 'expression' })
    expect(deleted).toMatchObject({ action: 'delete', overwritten_version: update?.version })
  })

  it('an extended client keeps its types', async () => {
    const typescript = createRequire(import.meta.url).resolve('typescript/package.json')
    const tsc = join(dirname(typescript), 'bin/tsc')
    await writeFile(
      join(generated.folder, 'tsconfig.json'),
      JSON.stringify({ extends: '../../../../tsconfig.json', include: ['types.mts'] }),
    )
    await promisify(execFile)(process.execPath, [tsc, '-p', generated.folder]).catch((error) => {
      expect.fail(error.stdout)
    })
  })
})
