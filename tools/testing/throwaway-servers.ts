import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { chownSync, cpSync, mkdtempSync, rmSync } from 'node:fs'
import { createConnection, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { findPostgresBinaries, findRedisServer } from './find-binaries.ts'

export interface ThrowawayServer {
  readonly url: string
  readonly pid: number
  readonly description: string
  /** Stops the server and removes its files. */
  stop(): Promise<void>
}

/** A PostgreSQL of its own on a free loopback port, with a data folder that goes with it.
 *  @param embedded takes the one from npm, PostgreSQL 18
 *  @param more settings that differ from those of tests */
export async function startPostgres(
  embedded?: boolean,
  more: Readonly<Record<string, string>> = {},
): Promise<ThrowawayServer> {
  const found = findPostgresBinaries(embedded)
  const { version } = found
  const user = serverUser()
  const data = mkdtempSync(join(tmpdir(), 'syncproof-postgres-'))
  const folder = user ? readableCopy(found.folder, data) : found.folder
  if (user) chownSync(data, user.uid, user.gid)
  const run = {
    ...user,
    cwd: data,
    env: { ...process.env, LC_ALL: 'C', TZ: 'UTC', LD_LIBRARY_PATH: join(dirname(folder), 'lib') },
  }
  const made = spawnSync(
    join(folder, 'initdb'),
    ['-D', join(data, 'db'), '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-sync'],
    { ...run, encoding: 'utf8' },
  )
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr || made.error}`)
  const port = await freePort()
  const settings = {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: data,
    max_connections: 300,
    // the data lives as long as the test run; a killed server still keeps what the kernel has
    fsync: 'off',
    full_page_writes: 'off',
    // so that a test can read in the log what was committed
    wal_level: 'logical',
    ...more,
  }
  const args = [
    '-D',
    join(data, 'db'),
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ]
  const child = spawn(join(folder, 'postgres'), args, { ...run, stdio: 'ignore' })
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`
  await answering(child, version, () => answersQuery(url))
  return { url, pid: pidOf(child), description: version, stop: () => stop(child, 'SIGINT', data) }
}

/** A Redis of its own, or undefined where the machine has no `redis-server`. */
export async function startRedis(): Promise<ThrowawayServer | undefined> {
  const program = findRedisServer()
  if (!program) return undefined
  const data = mkdtempSync(join(tmpdir(), 'syncproof-redis-'))
  const port = await freePort()
  const args = [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--save',
    '',
    '--appendonly',
    'no',
    '--dir',
    data,
  ]
  const child = spawn(program, args, { stdio: 'ignore' })
  await answering(child, 'redis-server', () => connects(port))
  return {
    url: `redis://127.0.0.1:${port}`,
    pid: pidOf(child),
    description: 'redis-server',
    stop: () => stop(child, 'SIGTERM', data),
  }
}

/** A loopback port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('a TCP server has no port')
  return address.port
}

/** PostgreSQL refuses to run as root: it runs as the user `postgres`, else `nobody`. */
function serverUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined
  for (const name of ['postgres', 'nobody']) {
    const [uid, gid] = ['-u', '-g'].map((flag) => spawnSync('id', [flag, name], { encoding: 'utf8' }))
    if (uid?.status === 0 && gid?.status === 0) return { uid: Number(uid.stdout), gid: Number(gid.stdout) }
  }
  throw new Error('PostgreSQL cannot run as root, and there is no user `postgres` or `nobody` to run it')
}

/** The server's user may not be able to read what npm installed for this one: then it gets a copy. */
function readableCopy(folder: string, data: string): string {
  if (!folder.includes('node_modules')) return folder
  cpSync(dirname(folder), join(data, 'postgresql'), { recursive: true, verbatimSymlinks: true })
  return join(data, 'postgresql', 'bin')
}

async function answering(child: ChildProcess, name: string, answers: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 30_000
  while (Date.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`${name} ended at once with code ${child.exitCode}`)
    if (await answers()) return
    await delay(50)
  }
  throw new Error(`${name} did not answer within 30 s`)
}

/** The port opens before the server takes queries ("the database system is starting up"). */
async function answersQuery(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url })
  // a server that goes away also ends the connection in between
  client.on('error', () => undefined)
  try {
    await client.connect()
    await client.query('select 1')
    return true
  } catch {
    return false
  } finally {
    await client.end().catch(() => undefined)
  }
}

function connects(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1')
    socket.once('error', () => resolve(false))
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
  })
}

function pidOf(child: ChildProcess): number {
  if (child.pid === undefined) throw new Error('the server did not start')
  return child.pid
}

async function stop(child: ChildProcess, signal: NodeJS.Signals, folder: string): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill(signal)
    const late = setTimeout(() => child.kill('SIGKILL'), 10_000)
    await ended
    clearTimeout(late)
  }
  rmSync(folder, { recursive: true, force: true })
}
