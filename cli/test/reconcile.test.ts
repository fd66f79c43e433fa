import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import pg from 'pg'
import { describe, expect, it, onTestFinished } from 'vitest'
import { freshDatabase } from '../../tools/testing/servers.ts'
import { cli, freshFolder, startCli } from './support/cli.ts'

interface Contact {
  readonly id: string
  readonly name: string
}

const INDEX = pathToFileURL(join(import.meta.dirname, '../src/index.ts')).href

/** A table `contacts` and an HTTP API with its copy, a pair of the two, and a `dev` that compares them. */
async function comparedPair(source: readonly Contact[], target: readonly Contact[]) {
  const database = await freshDatabase()
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  await client.query('create table contacts (id text primary key, name text not null)')
  for (const { id, name } of source) await client.query('insert into contacts values ($1, $2)', [id, name])
  await client.end()

  const api = createServer((request, reply) => {
    const key = /^\/contacts\/(.+)$/.exec(request.url ?? '')?.[1]
    const body = key === undefined ? { data: target, next: null } : target.find(({ id }) => id === key)
    reply.writeHead(body === undefined ? 404 : 200, { 'content-type': 'application/json' })
    reply.end(JSON.stringify(body ?? {}))
  })
  await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve))
  const apiUrl = `http://127.0.0.1:${(api.address() as AddressInfo).port}`
  const stopApi = () => new Promise<void>((resolve) => api.close(() => resolve()))

  const folder = await freshFolder()
  await writeFile(
    join(folder, 'syncproof.config.ts'),
    `import { cursor, defineConfig, env, http, postgres } from '${INDEX}'
export default defineConfig({
  pairs: {
    contact: {
      source: postgres({ url: env('CONTACTS_URL'), table: 'contacts', key: 'id' }),
      target: http({ url: '${apiUrl}/contacts', records: '$.data', key: 'id', next: cursor('$.next'), get: '/contacts/{key}' }),
      grace: '100ms',
    },
  },
})
`,
  )
  const dev = startCli(['dev', '--database', database.url, '--json', '--port', '0', '--metrics-port', '0'], {
    folder,
    env: { CONTACTS_URL: database.url },
  })
  onTestFinished(async () => {
    await dev.kill('SIGKILL')
    await stopApi()
    await database.drop()
  })
  const { url, api_key: key } = JSON.parse(await dev.says(/^(\{.*"type":"started".*\})$/m))
  return { dev, stopApi, env: { SYNCPROOF_URL: url, SYNCPROOF_API_KEY: key } }
}

describe('syncproof reconcile', () => {
  it('exits 0 and prints coverage where both sides agree', async () => {
    const contacts = [
      { id: '1', name: 'Ann' },
      { id: '2', name: 'Bo' },
    ]
    const { dev, env } = await comparedPair(contacts, contacts)
    await dev.says(/1 pair to compare: contact\./)
    const { code, stdout } = await cli(['reconcile', 'contact'], { env })
    expect(stdout).toMatch(/^contact {2}clean {2}baseline\n {2}2 compared {2}0 undecided {2}0 unread/)
    expect(code).toBe(0)
  })

  it('exits 1 and names each record that differs, also among chosen keys', async () => {
    const source = [
      { id: '1', name: 'Ann' },
      { id: '2', name: 'Bo' },
      { id: '3', name: 'Cy' },
    ]
    const target = [
      { id: '1', name: 'Ann' },
      { id: '2', name: 'Bob' },
      { id: '4', name: 'Di' },
    ]
    const { env } = await comparedPair(source, target)
    const whole = await cli(['reconcile', 'contact', '--json'], { env })
    expect(whole.code).toBe(1)
    const { version, report, divergences } = JSON.parse(whole.stdout)
    expect({ version, result: report.result, diverged: report.diverged }).toEqual({
      version: 1,
      result: 'diverged',
      diverged: 3,
    })
    expect(divergences).toMatchObject([
      { key: '2', kind: 'field-mismatch', fields: ['name'] },
      { key: '3', kind: 'missing-in-target' },
      { key: '4', kind: 'unexpected-in-target' },
    ])
    const some = await cli(['reconcile', 'contact', '--keys', '1,3'], { env })
    expect(some.code).toBe(1)
    expect(some.stdout).toContain('contact  diverged  1 record differs')
    expect(some.stdout).toMatch(/\n {2}3 {2}missing-in-target/)
    expect((await cli(['reconcile', 'contact', '--keys', '1'], { env })).code).toBe(0)
  })

  it('exits 3 where a side cannot be read: unknown is never clean, and nothing is missing', async () => {
    const { stopApi, env } = await comparedPair([{ id: '1', name: 'Ann' }], [])
    await stopApi()
    const { code, stdout } = await cli(['reconcile', 'contact'], { env })
    expect(stdout).toMatch(/^contact {2}unknown\n/)
    expect(stdout).not.toContain('missing-in-target')
    expect(code).toBe(3)
  })

  it('exits 2 for a pair that is not configured, and names the nearest', async () => {
    const { env } = await comparedPair([], [])
    const { code, stderr } = await cli(['reconcile', 'contacts'], { env })
    expect(code).toBe(2)
    expect(stderr).toContain('There is no pair "contacts". Did you mean contact?')
  })

  it('exits 3 where it does not wait: nothing is compared yet', async () => {
    const { env } = await comparedPair([], [])
    const { code, stdout } = await cli(['reconcile', 'contact', '--no-wait', '--json'], { env })
    expect(code).toBe(3)
    expect(JSON.parse(stdout)).toMatchObject({ version: 1, report: { pair: 'contact' } })
  })
})
