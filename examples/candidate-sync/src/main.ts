import { buildApp } from './app.ts'
import { pool } from './database.ts'
import { createSchema } from './schema.ts'
import { syncproof } from './syncproof.ts'

await createSchema(pool)
const app = buildApp()
// what was observed is sent before the process ends
app.addHook('onClose', async () => {
  await syncproof.shutdown()
  await pool.end()
})
const url = await app.listen({
  host: process.env.HOST ?? '127.0.0.1',
  port: Number(process.env.PORT ?? 3000),
})
process.stdout.write(`${url}\n`)
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void app.close())
