import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { migrateStore, openStore, type Store } from '@syncproof/store'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type Receiver, startReceiver } from '../../services/reconciler/test/support/receiver.ts'
import { type FreshDatabase, freshDatabase } from '../../tools/testing/servers.ts'
import { cli, freshFolder, startCli } from './support/cli.ts'

const CONFIG = `
import { alertmanager, defineConfig, postgres, slack, webhook } from '${new URL('../src/index.ts', import.meta.url).href}'
const table = postgres({ url: 'postgres://127.0.0.1/none', table: 'candidates', key: 'id' })
export default defineConfig({
  pairs: { candidate: { source: table, target: table } },
  alerts: [
    webhook({ url: process.env.HOOK_URL + '/hook' }),
    slack({ url: process.env.HOOK_URL + '/services/T/B/secret' }),
    alertmanager({ url: process.env.HOOK_URL }),
  ],
})
`

async function withConfig(text = CONFIG): Promise<{ folder: string; hook: Receiver }> {
  const folder = await freshFolder()
  writeFileSync(join(folder, 'syncproof.config.ts'), text)
  const hook = await startReceiver()
  onTestFinished(() => hook.close())
  return { folder, hook }
}

describe('syncproof alert test', () => {
  it('sends each sink one alert in each state, marked as a test, and shows what came back', async () => {
    const { folder, hook } = await withConfig()
    const { code, stdout, stderr } = await cli(['alert', 'test'], { folder, env: { HOOK_URL: hook.url } })
    expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining('All were taken') })
    const { host } = new URL(hook.url)
    expect(stdout.trimEnd().split('\n')).toEqual(
      [
        ...['firing', 'acknowledged', 'resolved'].map((state) => ['webhook', state]),
        ...['firing', 'acknowledged', 'resolved'].map((state) => ['slack', state]),
        ...['firing', 'resolved'].map((state) => ['alertmanager', state]),
      ].map(([sink, state]) =>
        expect.stringMatching(new RegExp(`^${sink} +${state} +taken +200 ok +http://${host}`)),
      ),
    )
    expect(hook.received).toHaveLength(8)
    const [first] = hook.received.map(({ body }) => JSON.parse(body))
    expect(first.data).toMatchObject({
      test: true,
      severity: 'low',
      title: expect.stringContaining('Test of Syncproof'),
    })
    expect(stdout + stderr).not.toContain('secret')
  })

  it('ends with 1 and the answer where one is not taken', async () => {
    const { folder, hook } = await withConfig()
    hook.answer = (response, { path }) => response.writeHead(path === '/hook' ? 401 : 200).end('no such key')
    const options = { folder, env: { HOOK_URL: hook.url } }
    const json = await cli(['alert', 'test', '--json'], options)
    expect(json.code).toBe(1)
    expect(JSON.parse(json.stdout).alerts[0]).toMatchObject({
      ...{ sink: 'webhook', kind: 'webhook', state: 'firing', taken: false, answer: '401 no such key' },
    })
    const one = await cli(['alert', 'test', '--sink', 'slack'], options)
    expect([one.code, one.stdout.trimEnd().split('\n').length]).toEqual([0, 3])
  })

  it('says what is wrong with what it is asked for, and how to mend it', async () => {
    const { folder, hook } = await withConfig()
    const options = { folder, env: { HOOK_URL: hook.url } }
    const unknown = await cli(['alert', 'test', '--sink', 'slak'], options)
    expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringContaining('Did you mean')])
    expect((await cli(['alert', 'send'], options)).code).toBe(2)
    const nobody = await withConfig(CONFIG.replace(/alerts: \[[^\]]*\],/s, ''))
    const empty = await cli(['alert', 'test'], { folder: nobody.folder, env: { HOOK_URL: hook.url } })
    expect([empty.code, empty.stderr]).toEqual([2, expect.stringContaining('nobody to tell')])
    const without = await cli(['alert', 'test'], { folder: await freshFolder() })
    expect([without.code, without.stderr]).toEqual([2, expect.stringContaining('--config')])
  })
})

describe('syncproof maintenance', () => {
  let database: FreshDatabase
  let store: Store
  beforeAll(async () => {
    database = await freshDatabase()
    await migrateStore({ url: database.url })
    store = openStore({ url: database.url })
    const pair = {
      entity_type: 'candidate',
      source: 'db',
      target: 'ats',
      every_ms: null,
      grace_ms: 0,
      owner: null,
    }
    await store.reports.declarePairs(
      'default',
      ['candidate', 'job'].map((name) => ({ ...pair, name })),
    )
  })
  afterAll(async () => {
    await store.close()
    await database.drop()
  })

  async function open() {
    const { key } = await store.keys.create('default', 'test', ['read', 'admin'])
    const ports = ['--port', '0', '--metrics-port', '0']
    const collector = startCli(['collector', '--database', database.url, ...ports])
    const url = await collector.says(/API (http:\/\/\S+),/)
    return (...words: string[]) =>
      cli(['maintenance', ...words], { env: { SYNCPROOF_URL: url, SYNCPROOF_API_KEY: key } })
  }

  it('begins a window, lists it, and ends it', async () => {
    const maintenance = await open()
    const started = await maintenance(
      'start',
      '--pair',
      'candidate',
      '--for',
      '2h',
      '--reason',
      'bulk import',
      '--json',
    )
    expect(started.code).toBe(0)
    const window = JSON.parse(started.stdout)
    expect(window).toMatchObject({
      version: 1,
      pairs: ['candidate'],
      reason: 'bulk import',
      configured: false,
    })
    expect(Date.parse(window.ends_at) - Date.parse(window.starts_at)).toBe(7_200_000)
    const all = await maintenance('start', '--reason', 'all of it')
    expect(all.stdout).toContain('all pairs')
    const listed = await maintenance('list')
    expect(listed.stdout).toContain(`${window.id}  candidate`)
    expect(listed.stdout).toContain('bulk import')
    expect((await maintenance('end', window.id)).stdout).toContain(window.id)
    expect((await maintenance('end')).stderr).toContain('1 window ended')
    expect(JSON.parse((await maintenance('list', '--json')).stdout)).toEqual({ version: 1, windows: [] })
    expect((await maintenance('end')).stderr).toContain('No maintenance window is on')
  })

  it('refuses what cannot be meant', async () => {
    const maintenance = await open()
    const refused = async (...words: string[]) => {
      const { code, stderr } = await maintenance(...words)
      expect(code).toBe(2)
      return stderr
    }
    expect(await refused('start')).toContain('needs --reason')
    expect(await refused('start', '--reason', 'x', '--for', '31d')).toContain('from 1m to 30d')
    expect(await refused('start', '--reason', 'x', '--for', 'soon')).toContain('such as 30m')
    expect(await refused('start', '--reason', 'x', '--pair', 'other')).toContain('not configured')
    expect(await refused('end', 'm_none')).toContain('on or ahead')
    expect(await refused('begin')).toContain('maintenance start')
    expect(await refused('list', '--reason', 'x')).toContain('of a new window')
  })
})
