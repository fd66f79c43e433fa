// Kysely whose queries report themselves.
module.exports = async (load) => {
  const { createSyncproof } = await load('@syncproof/sdk')
  const { ObservedPostgresDialect } = await load('@syncproof/sdk/kysely')
  const { Kysely } = await load('kysely')
  const { pool, table } = await require('./things.cjs').openThings(load)
  const db = new Kysely({ dialect: new ObservedPostgresDialect({ pool }) })
  const sync = createSyncproof({ service: 'kysely' }).wrap(
    async (id, name) => {
      const row = await db.selectFrom(table).selectAll().where('id', '=', id).executeTakeFirstOrThrow()
      await db.transaction().execute(async (transaction) => {
        const update = transaction.updateTable(table).set({ name: `${row.name} ${name}` })
        await update.where('id', '=', id).execute()
      })
    },
    { name: 'sync', entity: (id) => ({ type: table, id }) },
  )
  await sync('t-1', 'after')
  await db.destroy()
}
