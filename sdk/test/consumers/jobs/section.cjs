// A section that relies on a row lock.
module.exports = async (load) => {
  const { createSyncproof } = await load('@syncproof/sdk')
  const { postgresTable } = await load('@syncproof/sdk/pg')
  const { exclusive } = await load('@syncproof/sdk/section')
  const { pool, table } = await require('./things.cjs').openThings(load)
  const things = postgresTable(pool, table, { key: 'id' })
  const syncproof = createSyncproof({ service: 'section' })
  const entity = (id) => ({ type: 'thing', id })
  const hire = syncproof.wrap(
    (id, name) =>
      exclusive('hire', entity(id), { protection: 'row_lock' }, () =>
        things.transaction(async (locked) => {
          const where = { id }
          await syncproof.read('db', () => locked.findUnique({ where, lock: 'for update' }))
          await syncproof.write('db', { name }, () => locked.update({ where, data: { name } }))
        }),
      ),
    { name: 'hire', entity },
  )
  await hire('t-1', 'after')
  await pool.end()
}
