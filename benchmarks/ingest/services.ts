import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { runCommand, type Service, startService } from '../../tools/testing/start-service.ts'
import { freePort, startPostgres } from '../../tools/testing/throwaway-servers.ts'
import { type Api, openApi } from '../shared/api.ts'

export interface Ingest {
  readonly api: Api
  readonly collector: Service
  readonly url: string
  readonly key: string
  /** Of the collector's database. */
  readonly database: string
  /** Another database of the same server, with the same tables. */
  readonly floorDatabase: string
  readonly postgresPid: number
  readonly description: string
}

/** A PostgreSQL that flushes to its disk, and the collector as people start it.
 *  @param settings of the collector that are not the default, as environment variables */
export async function startIngest(
  opened: AsyncDisposableStack,
  settings: Readonly<Record<string, string>> = {},
): Promise<Ingest> {
  // a signal to the terminal does not reach what has a session of its own
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      process.on('uncaughtException', () => {})
      opened.disposeAsync().finally(() => process.exit(130))
    })
  const postgres = await startPostgres(false, {
    ...{ fsync: 'on', full_page_writes: 'on', wal_level: 'replica' },
    // as every guide to PostgreSQL says first; both sides have it
    ...{ shared_buffers: '512MB', max_wal_size: '4GB' },
  })
  opened.defer(() => postgres.stop())
  const database = await createDatabase(postgres.url, 'ingest')
  const floorDatabase = await createDatabase(postgres.url, 'floor')
  const [port, key] = [await freePort(), randomBytes(16).toString('hex')]
  const collector = await startService(
    ['collector', '--database', database, '--metrics-port', '0', '--port', String(port)],
    { SYNCPROOF_API_KEY: key, SYNCPROOF_LOG_LEVEL: 'fatal', ...settings },
  )
  opened.defer(() => collector.stop())
  const url = `http://127.0.0.1:${port}`
  const api = openApi(url, key)
  return {
    ...{ api, collector, url, key, database, floorDatabase },
    ...{ postgresPid: postgres.pid, description: postgres.description },
  }
}

async function createDatabase(server: string, name: string): Promise<string> {
  const client = new pg.Client({ connectionString: server })
  await client.connect()
  await client.query(`create database ${name}`)
  await client.end()
  const url = new URL(server)
  url.pathname = name
  runCommand(['migrate', '--database', url.href])
  return url.href
}
