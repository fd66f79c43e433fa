import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PrismaPg } from '@prisma/adapter-pg'
import { prismaPool, syncproofPrisma } from '@syncproof/sdk/prisma'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { lostFields } from '../../../sdk/test/lost-fields.ts'
import { type AppDatabase, openPostgres } from '../../../sdk/test/pg-engines.ts'
import { generateClient } from '../../../sdk/test/prisma-client.ts'
import { type RecordingServer, recordingServer } from '../../../sdk/test/recording-server.ts'
import { connect as connectKysely } from '../src/with-kysely.ts'
import { connect as connectPrisma } from '../src/with-prisma.ts'

let database: AppDatabase
let server: RecordingServer

beforeEach(async () => {
  database = await openPostgres()
  server = await recordingServer()
})
afterEach(async () => {
  await server.close()
  await database.close()
})

const ats = { updateCandidate: async () => {} }

/** Two clients at once, again until one of them lost something. */
async function loseOne(
  { syncCandidate, syncproof }: ReturnType<typeof connectKysely | typeof connectPrisma>,
  updates: (round: number) => readonly [object, object],
): Promise<void> {
  for (let round = 0; round < 20 && lostFields(server).size === 0; round += 1) {
    await Promise.all(updates(round).map((update) => syncCandidate('c1', update)))
    await syncproof.flush()
  }
  await syncproof.shutdown()
  expect([...lostFields(server).values()].flat()).not.toEqual([])
  expect(server.ofKind('sync')[0]).toMatchObject({ system: 'ats', outcome: 'ok' })
}

it('an update that is lost on Kysely is proven', async () => {
  await database.pool.query(
    `CREATE TABLE candidates (id text PRIMARY KEY, name text, stage text, "updatedAt" timestamptz);
     INSERT INTO candidates VALUES ('c1', 'Ann', 'new', now())`,
  )
  await loseOne(connectKysely(database.pool, ats, server.url), (round) => [
    { name: `Ann ${round}` },
    { stage: `stage ${round}` },
  ])
})

it('an update that is lost on Prisma is proven', async () => {
  await database.pool.query(
    await readFile(new URL('../../../sdk/test/prisma/tables.sql', import.meta.url), 'utf8'),
  )
  await database.pool.query(`INSERT INTO candidates (id, name) VALUES ('c1', 'Ann')`)
  const generated = await generateClient()
  const { PrismaClient } = await import(join(generated.folder, 'client/client.ts'))
  const client = new PrismaClient({ adapter: new PrismaPg(prismaPool(database.pool)) })
  try {
    await loseOne(connectPrisma(client.$extends(syncproofPrisma()), ats, server.url), (round) => [
      { name: `Ann ${round}` },
      { score: round + 1 },
    ])
  } finally {
    await client.$disconnect()
    await generated.remove()
  }
})
