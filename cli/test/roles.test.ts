import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { openStore, type Store } from '@syncproof/store'
import pg from 'pg'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { makeBatch, makeEvent, makeSection, uuidV7 } from '../../services/collector/test/make-batch.ts'
import { candidate, makeExport, makeSpan } from '../../services/collector/test/make-span.ts'
import { startAtsServer } from '../../services/reconciler/test/support/ats-server.ts'
import { startPostgres, type ThrowawayPostgres } from '../../tools/testing/throwaway-servers.ts'
import { cli, freshFolder, startCli } from './support/cli.ts'
import { createReporter } from './support/telemetry.ts'

const INDEX = pathToFileURL(join(import.meta.dirname, '../src/index.ts')).href
const waiting = { timeout: 60_000, interval: 100 }
const DAY_MS = 86_400_000

/** Roles are of a whole server. */
let server: ThrowawayPostgres
let owner: pg.Client

beforeAll(async () => {
  server = await startPostgres()
  owner = new pg.Client({ connectionString: server.url })
  await owner.connect()
})
afterAll(async () => {
  await owner?.end()
  await server?.stop()
})

/** The database as a login that has the role of one service and nothing else. */
function as(service: string): string {
  const url = new URL(server.url)
  url.username = `login_${service}`
  return url.href
}

/** The pair `contact`, of a table in the same server and the API of an ATS. */
async function configFolder(atsUrl: string): Promise<string> {
  const folder = await freshFolder()
  await writeFile(
    join(folder, 'syncproof.config.ts'),
    `import { cursor, defineConfig, http, postgres } from '${INDEX}'
export default defineConfig({
  pairs: {
    contact: {
      source: postgres({ url: '${server.url}', table: 'contacts', key: 'id' }),
      target: http({ url: '${atsUrl}/candidates', records: '$.data', key: 'id', next: cursor('$.next'), get: '/candidates/{key}' }),
      grace: '100ms',
    },
  },
})
`,
  )
  return folder
}

it('every service does all of its work as a login that has its own role alone, and none of the others’', async () => {
  const migrated = await cli(['migrate', '--roles', '--json', '--database', server.url])
  expect(migrated).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('grant syncproof_collector to LOGIN'),
  })
  const { roles } = JSON.parse(migrated.stdout)
  expect(roles).toEqual(['syncproof_collector', 'syncproof_reports', 'syncproof_reconciler'])
  for (const role of roles) {
    await owner.query(`create role ${role.replace('syncproof', 'login')} login in role ${role}`)
  }
  await owner.query('create table contacts (id text primary key, name text not null, status text not null)')
  await owner.query("insert into contacts values ('1', 'Ann', 'active'), ('2', 'Bo', 'hired')")
  const ats = await startAtsServer([{ id: '1', name: 'Ann', status: 'hired' }])
  const folder = await configFolder(ats.url)
  const create = ['keys', 'create', '--database', server.url, '--name', 'x']
  const key = (
    await cli([...create, '--scope', 'ingest', '--scope', 'read', '--scope', 'admin'])
  ).stdout.trim()

  const ports = ['--port', '0', '--metrics-port', '0']
  const ingesting = startCli(['collector', ...ports, '--database', as('collector')])
  const reporting = startCli(['collector', ...ports, '--database', as('reports')])
  const reconciling = startCli(['reconciler', '--metrics-port', '0', '--database', as('reconciler')], {
    folder,
  })
  const ingest = await ingesting.says(/API (http:\/\/\S+),/)
  const reports = await reporting.says(/API (http:\/\/\S+),/)
  await reconciling.says(/Reconciler: metrics (\S+),/)
  const reportsMetrics = await reporting.says(/metrics (http:\/\/\S+),/)
  try {
    await sendEverything(ingest, key)
    await readEverything(reports, key)
    await vi.waitFor(
      async () => expect(await sample(reportsMetrics, 'syncproof_findings_open')).toBeGreaterThan(0),
      waiting,
    )
    for (const service of [ingesting, reporting, reconciling]) {
      expect(service.stderr()).not.toMatch(/permission denied|must be owner/)
    }
    // and the key was noted by both, though neither may change anything else of it
    const { rows } = await owner.query('select last_used_at is not null as used from syncproof.api_keys')
    expect(rows).toEqual([{ used: true }])
    await expectRefused(ingest, reports, key)
    const store = openStore({ url: as('reconciler') })
    await expireEverything(store).finally(() => store.close())
  } finally {
    await ats.close()
  }
})

/** A request that is answered as expected, and its answer. */
async function ask(url: string, key: string, status: number, init: RequestInit = {}): Promise<string> {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  const response = await fetch(url, { ...init, headers })
  const body = await response.text()
  expect(response.status, `${init.method ?? 'GET'} ${url}: ${body}`).toBe(status)
  return body
}

const posting = (payload: unknown): RequestInit => ({ method: 'POST', body: JSON.stringify(payload) })

/** Every way into the tables of events: new ones, copies, copies with other content, a number that is used twice, a day that
 *  nobody has prepared, a heartbeat, and spans. */
async function sendEverything(url: string, key: string): Promise<void> {
  const reporter = createReporter()
  const lost = reporter.batch(reporter.operation('42', true))
  const [first, ...others] = lost.events
  const copies = { ...lost, events: [{ ...first, name: 'other' }, ...others] }
  const [section, twice, old] = [makeSection('hire', true), makeEvent(), uuidV7(Date.now() - 5 * DAY_MS)]
  for (const batch of [
    lost,
    lost,
    copies,
    makeBatch([section, twice, { ...makeEvent(), seq: twice.seq }]),
    makeBatch([makeEvent({ id: old })]),
    makeBatch([]),
  ]) {
    await ask(`${url}/v1/events`, key, 202, posting(batch))
  }
  const span = makeSpan({ ...candidate('42'), 'syncproof.operation': 'rate' })
  await ask(`${url}/v1/traces`, key, 200, posting(makeExport([span])))
}

/** Every question that the report API answers, once there is something to be told, and everything that it changes. */
async function readEverything(url: string, key: string): Promise<void> {
  const list = async (path: string) => JSON.parse(await ask(`${url}${path}`, key, 200)).items
  const finding = await vi.waitFor(async () => {
    const [found] = await list('/v1/findings?kind=lost-update')
    if (found === undefined) throw new Error('nothing was found')
    return found
  }, waiting)
  const acknowledged = { method: 'PATCH', body: JSON.stringify({ status: 'acknowledged', note: 'known' }) }
  expect(JSON.parse(await ask(`${url}/v1/findings/${finding.id}`, key, 200, acknowledged))).toMatchObject({
    status: 'acknowledged',
    note: 'known',
  })
  const { id } = JSON.parse(await ask(`${url}/v1/reconciliations`, key, 202, posting({ pair: 'contact' })))
  await vi.waitFor(async () => {
    const report = JSON.parse(await ask(`${url}/v1/reports/${id}`, key, 200))
    expect(report).toMatchObject({ state: 'finished', result: 'diverged', diverged: 2 })
  }, waiting)
  const [process] = await list('/v1/processes')
  const [group] = await list('/v1/finding-groups')
  const { paths } = JSON.parse(await ask(`${url}/openapi.json`, key, 200))
  const gets = Object.keys(paths).filter((path) => 'get' in paths[path])
  expect(gets.length).toBeGreaterThan(12)
  for (const path of gets) {
    const named = path
      .replace('/findings/{id}', `/findings/${finding.id}`)
      .replace('/finding-groups/{id}', `/finding-groups/${group.id}`)
      .replace('/reports/{id}', `/reports/${id}`)
      .replace('/processes/{id}', `/processes/${process.id}`)
      .replace('/{type}/{id}', '/candidate/42')
    await ask(`${url}${named}`, key, 200)
  }
}

/** The sum of a metric's samples. */
async function sample(url: string, name: string): Promise<number> {
  const text = await (await fetch(url)).text()
  const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`))
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
}

/** What is the other's work fails: the database refuses it. */
async function expectRefused(ingest: string, reports: string, key: string): Promise<void> {
  for (const answer of [
    await ask(`${ingest}/v1/findings`, key, 500),
    await ask(`${reports}/v1/events`, key, 500, posting(makeBatch([makeEvent()]))),
  ]) {
    expect(JSON.parse(answer).code).toBe('internal')
  }
}

/** Everything that the reconciler removes in the course of a year, at once. */
async function expireEverything(store: Store): Promise<void> {
  await vi.waitFor(async () => expect(await store.detection.lag()).toMatchObject({ events: 0 }), waiting)
  await store.retention.prepare()
  const policy = await store.retention.policy()
  await store.retention.declare({ ...policy, events: { ...policy.events, byKind: { read: DAY_MS } } })
  const { signal } = new AbortController()
  const expired = await store.retention.expire({ signal, nowMs: Date.now() + 500 * DAY_MS })
  expect(expired).toMatchObject({ done: true, kept: [] })
  expect(Object.keys(expired.expired).length).toBeGreaterThan(3)
  expect(await store.findings.list('default', {}, { limit: 10 })).toEqual({ items: [], next_cursor: null })
}

it('a collector that may add no keys says so of one that it is given and the database does not know', async () => {
  const words = ['collector', '--port', '0', '--metrics-port', '0', '--database', as('collector')]
  const { code, stderr } = await cli(words, { env: { SYNCPROOF_API_KEY: 'my-own-secret' } })
  expect(code).toBe(2)
  expect(stderr).toContain('syncproof keys create')
})

it('a user that may not make roles is told so', async () => {
  await owner.query('create role poor login')
  await owner.query('create database poors owner poor')
  const url = new URL(server.url)
  url.username = 'poor'
  url.pathname = 'poors'
  for (const role of ['collector', 'reports', 'reconciler'])
    await owner.query(`alter role syncproof_${role} rename to gone_${role}`)
  const refused = await cli(['migrate', '--roles', '--database', url.href])
  expect(refused).toMatchObject({
    code: 3,
    stderr: expect.stringContaining('permission denied to create role'),
  })
  for (const role of ['collector', 'reports', 'reconciler'])
    await owner.query(`alter role gone_${role} rename to syncproof_${role}`)
  // whoever owns the database may give roles that are there their rights
  expect((await cli(['migrate', '--roles', '--database', url.href])).code).toBe(0)
})
