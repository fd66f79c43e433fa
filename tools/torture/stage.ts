import { randomBytes } from 'node:crypto'
import { runCommand, type Service, startService } from '../testing/start-service.ts'
import { freePort, startPostgres, type ThrowawayPostgres } from '../testing/throwaway-servers.ts'

/** A PostgreSQL of its own, and the collector as people start it, in a process of its own. */
export interface Stage {
  readonly postgres: ThrowawayPostgres
  readonly database: string
  readonly url: string
  readonly key: string
  /** Kill -9 of the collector, and a new one on the same port. */
  killCollector(): Promise<void>
}

/** @param prepare makes the store's database on the server, before it is migrated. @returns its url */
export async function openStage(
  opened: AsyncDisposableStack,
  prepare: (server: string) => Promise<string> = async (server) => server,
): Promise<Stage> {
  const postgres = await startPostgres(false, { fsync: 'on', full_page_writes: 'on', wal_level: 'replica' })
  opened.defer(() => postgres.stop())
  const database = await prepare(postgres.url)
  runCommand(['migrate', '--database', database])
  const [port, key] = [String(await freePort()), randomBytes(16).toString('hex')]
  const start = () =>
    startService(['collector', '--database', database, '--metrics-port', '0', '--port', port], {
      ...{ SYNCPROOF_API_KEY: key, SYNCPROOF_LOG_LEVEL: 'fatal' },
      // nobody is turned away for being quick here
      ...{ SYNCPROOF_QUOTA_REQUESTS: '1000000', SYNCPROOF_QUOTA_BYTES: '1000000000000' },
    })
  let collector: Service = await start()
  opened.defer(() => collector.stop())
  return {
    ...{ postgres, database, key, url: `http://127.0.0.1:${port}` },
    async killCollector() {
      await collector.kill()
      collector = await start()
    },
  }
}
