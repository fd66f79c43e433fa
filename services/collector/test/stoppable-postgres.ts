import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import pg from 'pg'
import { vi } from 'vitest'
import { findPostgresBinaries } from '../../../tools/testing/find-binaries.ts'
import { startPostgres } from '../../../tools/testing/throwaway-servers.ts'

export interface StoppablePostgres {
  readonly url: string
  /** Shuts the server down, with whoever is connected; its data stay. */
  stop(): Promise<void>
  /** Starts it again on the same data and port. */
  start(): void
  /** Ends it and removes its data. */
  remove(): Promise<void>
}

/** A PostgreSQL of a test's own, which really goes away and comes back. */
export async function startStoppablePostgres(): Promise<StoppablePostgres> {
  const server = await startPostgres()
  // a server that takes connections may still be starting up
  const looking = vi.waitFor(() => dataDirectory(server.url), { timeout: 20_000, interval: 50 })
  const data = await looking.catch(async (error: unknown) => {
    await server.stop()
    throw error
  })
  const pidFile = join(data, 'postmaster.pid')

  async function stop(): Promise<void> {
    if (!existsSync(pidFile)) return
    process.kill(Number(readFileSync(pidFile, 'utf8').split('\n')[0]), 'SIGINT')
    await vi.waitUntil(() => !existsSync(pidFile), { timeout: 20_000, interval: 20 })
  }
  return {
    url: server.url,
    stop,
    start: () => restart(data),
    async remove() {
      await stop()
      await server.stop()
    },
  }
}

async function dataDirectory(url: string): Promise<string> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query<{ data_directory: string }>('show data_directory')
    return String(rows[0]?.data_directory)
  } finally {
    await client.end()
  }
}

/** `restart` of a server that is down starts it with the options that it had. */
function restart(data: string): void {
  const { uid, gid } = statSync(data)
  // the user that the server runs as may not be able to read node_modules: then there is a copy beside the data
  const copy = join(dirname(data), 'postgresql', 'bin')
  const folder = existsSync(copy) ? copy : findPostgresBinaries().folder
  const env = { ...process.env, LC_ALL: 'C', TZ: 'UTC', LD_LIBRARY_PATH: join(dirname(folder), 'lib') }
  const log = join(dirname(data), 'restart.log')
  const args = ['restart', '-D', data, '-w', '-l', log]
  const done = spawnSync(join(folder, 'pg_ctl'), args, { uid, gid, env, cwd: dirname(data), stdio: 'ignore' })
  if (done.status !== 0) throw new Error(`PostgreSQL did not start again: ${readFileSync(log, 'utf8')}`)
}
