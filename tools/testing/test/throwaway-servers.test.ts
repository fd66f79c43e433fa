import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { redisUrl } from '../servers.ts'
import { startPostgres, startRedis, type ThrowawayServer } from '../throwaway-servers.ts'

const module = new URL('../throwaway-servers.ts', import.meta.url).href
const waiting = { timeout: 20_000, interval: 50 }

const started: ThrowawayServer[] = []
afterEach(async () => {
  vi.unstubAllEnvs()
  for (const server of started.splice(0)) await server.stop()
})

async function own<T extends ThrowawayServer>(starting: Promise<T | undefined>): Promise<T> {
  const server = await starting
  if (!server) throw new Error('there is no such server on this machine')
  started.push(server)
  return server
}

async function answers(url: string, query: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query(query)).rows[0]
  } finally {
    await client.end()
  }
}

/** Runs a program that starts a server and exits. @returns what it said */
async function exits(script: string): Promise<string> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    said += chunk
  })
  const code = await new Promise((resolve) => child.once('close', resolve))
  expect(code).toBe(3)
  return said.trim()
}

describe('a throwaway PostgreSQL', () => {
  it('ends with a process that exits before it has stopped it, and leaves no file', async () => {
    const said = await exits(`
      import { startPostgres } from '${module}'
      import pg from '${import.meta.resolve('pg')}'
      const { url } = await startPostgres()
      const client = new pg.Client({ connectionString: url })
      await client.connect()
      const { rows } = await client.query('show data_directory')
      console.log(url + ' ' + rows[0].data_directory)
      process.exit(3)`)
    const [url = '', data = ''] = said.split(' ')
    expect(existsSync(data)).toBe(false)
    await vi.waitFor(() => expect(answers(url, 'select 1')).rejects.toThrow('ECONNREFUSED'), waiting)
  })

  it('ends with a process that exits while it is starting', async () => {
    const said = await exits(`
      import { createConnection } from 'node:net'
      import { freePort, startPostgres } from '${module}'
      const port = await freePort()
      startPostgres(undefined, { port: String(port) })
      const look = () => createConnection(port, '127.0.0.1')
        .once('connect', () => { console.log(port); process.exit(3) }).once('error', () => setTimeout(look, 1))
      look()`)
    const url = `postgres://postgres@127.0.0.1:${said}/postgres`
    await vi.waitFor(() => expect(answers(url, 'select 1')).rejects.toThrow('ECONNREFUSED'), waiting)
  })

  it('is not mistaken for another one that has its port: it says why it did not start, and leaves nothing', async () => {
    const first = await own(startPostgres())
    const { port } = new URL(first.url)
    const folder = await mkdtemp(join(tmpdir(), 'syncproof-taken-'))
    await chmod(folder, 0o755)
    vi.stubEnv('TMPDIR', folder)
    await expect(startPostgres(undefined, { port })).rejects.toThrow(/ended with code 1: .*could not/)
    expect(await readdir(folder)).toEqual([])
    await rm(folder, { recursive: true })
    expect(await answers(first.url, 'select 1 as one')).toEqual({ one: 1 })
  })

  it('goes away with whoever is connected, and comes back on the same data and port', async () => {
    const server = await own(startPostgres())
    await answers(server.url, 'create table kept (id integer)')
    const client = new pg.Client({ connectionString: server.url })
    const cut = new Promise((resolve) => client.on('error', resolve))
    await client.connect()
    await server.shutDown()
    await cut
    await expect(answers(server.url, 'select 1')).rejects.toThrow('ECONNREFUSED')
    await server.startAgain()
    expect(await answers(server.url, 'select count(*)::int from kept')).toEqual({ count: 0 })
  })
})

it.skipIf(!redisUrl())(
  'a throwaway Redis is not mistaken for another one that has its port, and ends with its process',
  async () => {
    const first = await own(startRedis())
    const port = Number(new URL(first.url).port)
    await expect(startRedis(port)).rejects.toThrow(/ended with code 1: .*Address already in use/)
    const url = await exits(`
      import { startRedis } from '${module}'
      console.log((await startRedis()).url)
      process.exit(3)`)
    await expect(
      startRedis(Number(new URL(url).port)).then((server) => server?.stop()),
    ).resolves.toBeUndefined()
  },
)
