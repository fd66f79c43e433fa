// Field rules beyond those of the core, which are the same rules.
module.exports = async (load) => {
  const { createSyncproof } = await load('@syncproof/sdk')
  const { defineFields, date, text } = await load('@syncproof/sdk/fields')
  const { openThings } = require('./things.cjs')
  const { pool, table } = await openThings(load)
  const syncproof = createSyncproof({
    service: 'fields',
    entities: {
      thing: {
        fields: defineFields({ name: text({ case: 'lower' }), born: date({ format: 'DD.MM.YYYY' }) }),
      },
    },
  })
  const sync = syncproof.wrap(
    async (id, updates) => {
      const row = await syncproof.read('db', () => pool.query(`SELECT * FROM ${table} WHERE id = $1`, [id]))
      const merged = { ...row.rows[0], ...updates, born: '2000-02-29' }
      const update = [`UPDATE ${table} SET name = $2 WHERE id = $1`, [id, merged.name]]
      await syncproof.write('db', merged, () => pool.query(...update))
      const body = JSON.stringify({ ...merged, name: merged.name.toUpperCase(), born: '29.02.2000' })
      const send = () => fetch(`${process.env.SYSTEM_URL}/things/${id}`, { method: 'PUT', body })
      await syncproof.sync('ats', JSON.parse(body), send)
    },
    { name: 'sync', entity: (id) => ({ type: 'thing', id }), syncs: ['ats'] },
  )
  await sync('t-1', { name: 'after' })
  await pool.end()
}
