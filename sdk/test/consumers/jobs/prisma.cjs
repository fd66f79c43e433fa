// A Prisma client whose calls report themselves.
module.exports = async (load, format) => {
  const { createSyncproof } = await load('@syncproof/sdk')
  const { prismaPool, syncproofPrisma } = await load('@syncproof/sdk/prisma')
  const { PrismaPg } = await load('@prisma/adapter-pg')
  const { Pool } = await load('pg')
  const { PrismaClient } = await load(`./prisma-client/client.${format === 'esm' ? 'mjs' : 'cjs'}`)
  const pool = prismaPool(new Pool({ connectionString: process.env.DATABASE_URL }))
  const db = new PrismaClient({ adapter: new PrismaPg(pool) }).$extends(syncproofPrisma())
  await db.candidate.create({ data: { id: format, name: 'before' } })
  const sync = createSyncproof({ service: 'prisma' }).wrap(
    async (id, name) => {
      const row = await db.candidate.findUniqueOrThrow({ where: { id } })
      await db.$transaction((transaction) =>
        transaction.candidate.update({ where: { id }, data: { name: `${row.name} ${name}` } }),
      )
    },
    { name: 'sync', entity: (id) => ({ type: 'candidate', id }) },
  )
  await sync(format, 'after')
  await db.$disconnect()
  await pool.end()
}
