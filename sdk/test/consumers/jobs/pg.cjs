// A pool of node-postgres whose statements report themselves.
module.exports = async (load) => {
  const { createSyncproof } = await load('@syncproof/sdk')
  const { observe } = await load('@syncproof/sdk/pg')
  const { pool, table } = await require('./things.cjs').openThings(load)
  const db = observe(pool)
  const sync = createSyncproof({ service: 'pg' }).wrap(
    async (id, name) => {
      const { rows } = await db.query(`SELECT * FROM ${table} WHERE id = $1`, [id])
      const client = await db.connect()
      await client.query('BEGIN')
      await client.query(`UPDATE ${table} SET name = $2 WHERE id = $1`, [id, `${rows[0].name} ${name}`])
      await client.query('COMMIT')
      client.release()
    },
    { name: 'sync', entity: (id) => ({ type: table, id }) },
  )
  await sync('t-1', 'after')
  await pool.end()
}
