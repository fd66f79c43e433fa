import { spawnSync } from 'node:child_process'
import { chownSync, cpSync, existsSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { createConnection, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import pg from 'pg'
import { atExit } from './at-exit.ts'
import { findPostgresBinaries, findRedisServer } from './find-binaries.ts'
import { type ServerSpec, startServerProcess } from './server-process.ts'

/** Whoever has a server's port and does not answer within this is not it. */
const ANSWER_MS_MAX = 2_000
const REMOVE_TRIES_MAX = 100
const REMOVE_PAUSE_MS = 20

export interface ThrowawayServer {
  readonly url: string
  readonly pid: number
  readonly description: string
  /** Stops the server and removes its files. Both happen, too, when this process exits before. */
  stop(): Promise<void>
}

/** One that really goes away and comes back. */
export interface ThrowawayPostgres extends ThrowawayServer {
  /** Shuts the server down, with whoever is connected; its data stay. */
  shutDown(): Promise<void>
  /** Starts it again on the same data and port. */
  startAgain(): Promise<void>
  /** Starts a standby that follows it. It is made of a copy of its data, for which it is shut down for a moment: not every
   *  PostgreSQL that tests run on has `pg_basebackup`.
   *  @param more settings that differ from those of the primary */
  startStandby(more?: Readonly<Record<string, string>>): Promise<ThrowawayPostgres>
}

/** A PostgreSQL of its own on a free loopback port, with a data folder that goes with it.
 *  @param embedded takes the one from npm, PostgreSQL 18
 *  @param more settings that differ from those of tests
 *  @throws where it does not start, as on a `port` that is taken */
export async function startPostgres(
  embedded?: boolean,
  more: Readonly<Record<string, string>> = {},
): Promise<ThrowawayPostgres> {
  const found = findPostgresBinaries(embedded)
  const home = makeHome('postgres')
  try {
    const settings: Settings = {
      port: await freePort(),
      listen_addresses: '127.0.0.1',
      unix_socket_directories: home.folder,
      max_connections: 300,
      // the data lives as long as the test run; a killed server still keeps what the kernel has
      fsync: 'off',
      full_page_writes: 'off',
      // so that a test can read in the log what was committed
      wal_level: 'logical',
      // of what it says only why it does not start is of use
      log_min_messages: 'log',
      ...more,
    }
    const run = postgresIn(home.folder, found.folder)
    const { program, options, data } = run
    const made = spawnSync(
      join(dirname(program), 'initdb'),
      ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-sync'],
      { ...options, encoding: 'utf8' },
    )
    if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr || made.error}`)
    return await runPostgres(home, found, settings, run)
  } catch (error) {
    home.remove()
    throw error
  }
}

type Settings = Readonly<Record<string, string | number>> & { readonly port: number }
type Run = Pick<ServerSpec, 'program' | 'options' | 'data'>

/** Runs a server on a cluster that is there. */
async function runPostgres(
  home: ReturnType<typeof makeHome>,
  found: ReturnType<typeof findPostgresBinaries>,
  settings: Settings,
  run: Run,
): Promise<ThrowawayPostgres> {
  const url = `postgres://postgres@127.0.0.1:${settings.port}/postgres`
  const spec: ServerSpec = {
    ...run,
    args: [
      ...['-D', run.data],
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    name: found.version,
    log: join(home.folder, 'server.log'),
    stopSignal: 'SIGINT',
    exitSignal: 'SIGQUIT',
    askWhere: () => dataDirectory(url),
  }
  let server = await startServerProcess(spec)
  return {
    url,
    get pid() {
      return server.pid
    },
    description: found.version,
    shutDown: () => server.stop(),
    async startAgain() {
      await server.stop()
      server = await startServerProcess(spec)
    },
    async startStandby(more = {}) {
      const own = makeHome('standby')
      try {
        const standby = postgresIn(own.folder, found.folder)
        await server.stop()
        // as the server's user, so that the copy is its own
        const copied = spawnSync('cp', ['-R', run.data, standby.data], {
          ...standby.options,
          encoding: 'utf8',
        })
        server = await startServerProcess(spec)
        if (copied.status !== 0) throw new Error(`its data were not copied: ${copied.stderr || copied.error}`)
        const asked = spawnSync('touch', [join(standby.data, 'standby.signal')], standby.options)
        if (asked.status !== 0) throw new Error('the copy could not be made a standby')
        const changed = {
          port: await freePort(),
          unix_socket_directories: own.folder,
          primary_conninfo: `host=127.0.0.1 port=${settings.port} user=postgres`,
          ...more,
        }
        return await runPostgres(own, found, { ...settings, ...changed }, standby)
      } catch (error) {
        own.remove()
        throw error
      }
    },
    async stop() {
      await server.stop()
      home.remove()
    },
  }
}

/** How a server is run in a folder, with its data in `db` there. */
function postgresIn(home: string, binaries: string): Run {
  const user = serverUser()
  const folder = user ? readableCopy(binaries, home) : binaries
  if (user) chownSync(home, user.uid, user.gid)
  const options = {
    ...user,
    cwd: home,
    env: { ...process.env, LC_ALL: 'C', TZ: 'UTC', LD_LIBRARY_PATH: join(dirname(folder), 'lib') },
  }
  return { program: join(folder, 'postgres'), options, data: join(home, 'db') }
}

/** A Redis of its own, or undefined where the machine has no `redis-server`.
 *  @throws where it does not start, as on a port that is taken */
export async function startRedis(port?: number): Promise<ThrowawayServer | undefined> {
  const program = findRedisServer()
  if (!program) return undefined
  const home = makeHome('redis')
  try {
    const own = port ?? (await freePort())
    const address = ['--port', String(own), '--bind', '127.0.0.1']
    const server = await startServerProcess({
      name: program,
      program,
      args: [...address, '--save', '', '--appendonly', 'no', '--dir', home.folder],
      options: {},
      log: join(home.folder, 'server.log'),
      stopSignal: 'SIGTERM',
      exitSignal: 'SIGKILL',
      // it says where it is, not by which links it got there
      data: realpathSync(home.folder),
      askWhere: () => redisDir(own),
    })
    return {
      url: `redis://127.0.0.1:${own}`,
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

/** A folder that goes when it is removed, or with this process. */
export function makeHome(name: string): { readonly folder: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), `syncproof-${name}-`))
  const forget = atExit(() => removeFolder(folder))
  return {
    folder,
    remove() {
      removeFolder(folder)
      forget()
    },
  }
}

/** A server that was signalled at exit may still be writing its last: then `rmSync` leaves what it could not remove, and
 *  says nothing. Waits without a turn of the event loop, which at exit there is none of. */
function removeFolder(folder: string): void {
  const never = new Int32Array(new SharedArrayBuffer(4))
  for (let tries = 0; existsSync(folder) && tries < REMOVE_TRIES_MAX; tries++) {
    if (tries > 0) Atomics.wait(never, 0, 0, REMOVE_PAUSE_MS)
    rmSync(folder, { recursive: true, force: true })
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

/** The port opens before the server takes queries ("the database system is starting up"). */
async function dataDirectory(url: string): Promise<string | undefined> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: ANSWER_MS_MAX,
    query_timeout: ANSWER_MS_MAX,
  })
  // a server that goes away also ends the connection in between
  client.on('error', () => undefined)
  try {
    await client.connect()
    const { rows } = await client.query<{ data_directory: string }>('show data_directory')
    return rows[0]?.data_directory
  } catch {
    return undefined
  } finally {
    await client.end().catch(() => undefined)
  }
}

const DIR_ANSWER = /^\*2\r\n\$3\r\ndir\r\n\$\d+\r\n(.*)\r\n$/

/** `dir` of whatever Redis has the port. */
function redisDir(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1')
    let answer = ''
    const end = (dir?: string) => {
      socket.destroy()
      resolve(dir)
    }
    socket.setTimeout(ANSWER_MS_MAX, end)
    socket.once('error', () => end())
    socket.once('close', () => end())
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      answer += chunk
      const [, dir] = DIR_ANSWER.exec(answer) ?? []
      if (dir !== undefined) end(dir)
    })
    socket.write('CONFIG GET dir\r\n')
  })
}
