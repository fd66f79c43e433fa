const { randomBytes } = require('node:crypto')

/** A pool on a table of its own that holds one row: `t-1`, `before`. */
exports.openThings = async (load) => {
  const { Pool } = await load('pg')
  const pool = new Pool({ connectionString: process.env.DATABASE_URL })
  const table = `things_${randomBytes(6).toString('hex')}`
  await pool.query(`CREATE TABLE ${table} (id text PRIMARY KEY, name text)`)
  await pool.query(`INSERT INTO ${table} VALUES ('t-1', 'before')`)
  return { pool, table }
}
