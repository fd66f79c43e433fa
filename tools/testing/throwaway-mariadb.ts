import { spawnSync } from 'node:child_process'
import { existsSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { createConnection } from 'mysql2/promise'
import { startServerProcess } from './server-process.ts'
import { freePort, makeHome, type ThrowawayServer } from './throwaway-servers.ts'

const ANSWER_MS_MAX = 2_000
const FOLDERS = ['/usr/sbin', '/usr/bin', '/usr/local/bin', '/opt/homebrew/bin']

function find(name: string): string | undefined {
  return FOLDERS.map((folder) => join(folder, name)).find((path) => existsSync(path))
}

/** Whether the machine has one to start. */
export function hasMariadb(): boolean {
  return find('mariadbd') !== undefined && find('mariadb-install-db') !== undefined
}

/** A MariaDB of its own on a free loopback port, with the database `shop` and the user `root` without a password.
 *  @throws where it does not start */
export async function startMariadb(): Promise<ThrowawayServer> {
  const program = find('mariadbd')
  const installer = find('mariadb-install-db')
  if (program === undefined || installer === undefined) throw new Error('the machine has no MariaDB')
  const home = makeHome('mariadb')
  try {
    const data = join(realpathSync(home.folder), 'db')
    const user = process.getuid?.() === 0 ? ['--user=root'] : []
    const made = spawnSync(
      installer,
      ['--no-defaults', `--datadir=${data}`, '--auth-root-authentication-method=normal', ...user],
      { encoding: 'utf8' },
    )
    if (made.status !== 0) throw new Error(`mariadb-install-db failed: ${made.stderr || made.error}`)
    const port = await freePort()
    const url = `mysql://root@127.0.0.1:${port}/shop`
    const server = await startServerProcess({
      name: program,
      program,
      args: [
        ...['--no-defaults', `--datadir=${data}`, `--port=${port}`, '--bind-address=127.0.0.1', ...user],
        ...[`--socket=${join(home.folder, 's')}`, `--pid-file=${join(home.folder, 'pid')}`],
        // the data lives as long as the test run
        ...['--innodb-flush-log-at-trx-commit=0', '--skip-log-bin'],
      ],
      options: {},
      log: join(home.folder, 'server.log'),
      stopSignal: 'SIGTERM',
      exitSignal: 'SIGKILL',
      data: `${data}/`,
      askWhere: () => dataDirectory(`mysql://root@127.0.0.1:${port}/mysql`),
    })
    const setup = await createConnection(`mysql://root@127.0.0.1:${port}/mysql`)
    await setup.query('create database if not exists shop')
    await setup.end()
    return {
      url,
      pid: server.pid,
      description: program,
      async stop() {
        await server.stop()
        home.remove()
      },
    }
  } catch (error) {
    home.remove()
    throw error
  }
}

async function dataDirectory(uri: string): Promise<string | undefined> {
  try {
    const connection = await createConnection({ uri, connectTimeout: ANSWER_MS_MAX })
    try {
      const [rows] = await connection.query('select @@datadir as folder')
      return Array.isArray(rows) && rows[0] && 'folder' in rows[0] ? String(rows[0].folder) : undefined
    } finally {
      connection.destroy()
    }
  } catch {
    return undefined
  }
}
