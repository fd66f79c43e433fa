import { readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { StoredEvent } from '@syncproof/core/contract'
import type { Store } from '@syncproof/store'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { simulatedProcess } from '../../core/detection/testing/simulated-world.ts'
import { simulation } from '../../core/detection/testing/simulation.ts'
import { relocate } from '../../services/reconciler/test/support/relocate.ts'
import { type FreshDatabase, freshDatabase } from '../../tools/testing/servers.ts'
import { whatFindingsSay } from '../../tools/testing/what-findings-say.ts'
import { type Dev, startDev } from '../src/index.ts'
import { cli, freshFolder } from './support/cli.ts'

let database: FreshDatabase
let dev: Dev
let env: Record<string, string>
beforeAll(async () => {
  database = await freshDatabase()
  dev = await startDev({ port: 0, metricsPort: 0, database: database.url })
  env = { SYNCPROOF_URL: dev.url, SYNCPROOF_API_KEY: dev.apiKey }
  const runs = fc.sample(simulation, { numRuns: 40, seed: 7 })
  await append(
    dev.store,
    runs.flatMap(({ events }, number) => relocate(events, number)),
  )
  await judged(dev.store)
})
afterAll(async () => {
  await dev?.close()
  await database?.drop()
})

async function append(store: Store, events: readonly StoredEvent[], project = 'default'): Promise<void> {
  for (const [processId, own] of Map.groupBy(events, (event) => event.process_id)) {
    const sent = own.map(({ process_id: _, ...event }) => event)
    for (let from = 0; from < sent.length; from += 500)
      await store.events.append(project, simulatedProcess(processId), sent.slice(from, from + 500) as never)
  }
}

async function judged(store: Store): Promise<void> {
  await vi.waitFor(async () => expect(await store.detection.lag()).toMatchObject({ events: 0 }), {
    timeout: 60_000,
    interval: 100,
  })
}

describe('events that are exported and imported elsewhere', () => {
  it('are found to say the same: every finding with its verdict, its cause and its witness', async () => {
    const folder = await freshFolder()
    const exported = await cli(['events', 'export', 'dump.ndjson.gz'], { env, folder })
    expect(exported).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/^[\d,]+ events in .*, whole\.\n$/),
    })
    const imported = await cli(['events', 'import', 'dump.ndjson.gz', '--data', 'elsewhere', '--json'], {
      folder,
    })
    expect(imported.code, imported.stderr).toBe(0)
    const told = JSON.parse(imported.stdout)
    expect(told).toMatchObject({ version: 1, project: 'default', filter: {}, duplicates: 0 })
    expect(told.stored).toBe(told.events)
    const again = await cli(['events', 'import', 'dump.ndjson.gz', '--data', 'elsewhere', '--json'], {
      folder,
    })
    expect(JSON.parse(again.stdout)).toMatchObject({ stored: 0, duplicates: told.events })
    const elsewhere = await startDev({ port: 0, metricsPort: 0, data: join(folder, 'elsewhere') })
    try {
      await judged(elsewhere.store)
      const [here, there] = [await whatFindingsSay(dev.store), await whatFindingsSay(elsewhere.store)]
      expect(here.length).toBeGreaterThan(30)
      expect(there).toEqual(here)
    } finally {
      await elsewhere.close()
    }
  }, 240_000)

  it('are doubted where they contradict each other, there as here, and prove no more than here', async () => {
    const folder = await freshFolder()
    const runs = fc.sample(simulation, { numRuns: 12, seed: 8 })
    const events = runs.flatMap(({ events }, number) => relocate(events, number))
    await append(dev.store, events, 'doubted')
    await judged(dev.store)
    // another program reports under the names, and with the numbers, of some
    const names = [...new Set(events.map(({ process_id }) => process_id))].slice(0, 4)
    const twin = relocate(runs[0]?.events ?? [], 100)
    const own = [...new Set(twin.map(({ process_id }) => process_id))]
    const claimed = twin.map((event) => ({
      ...event,
      process_id: names[own.indexOf(event.process_id)] ?? '',
    }))
    await append(dev.store, claimed, 'doubted')
    await judged(dev.store)
    const { key } = await dev.store.keys.create('doubted', 'test', ['read'])
    const asDoubted = { env: { ...env, SYNCPROOF_API_KEY: key }, folder }
    expect(await cli(['events', 'export', 'd.ndjson'], asDoubted)).toMatchObject({ code: 0 })
    const to = ['--database', database.url, '--project', 'doubted-again']
    expect(await cli(['events', 'import', 'd.ndjson', ...to], { folder })).toMatchObject({ code: 0 })
    await judged(dev.store)
    const doubts = async (project: string) =>
      (await dev.store.processes.list(project, { limit: 500 })).items
        .map(({ id, inconsistent, stored }) => ({ id, inconsistent, stored }))
        .sort((a, b) => (a.id < b.id ? -1 : 1))
    const here = await doubts('doubted')
    expect(here.some(({ inconsistent }) => inconsistent > 0)).toBe(true)
    expect(await doubts('doubted-again')).toEqual(here)
    const proven = async (project: string) =>
      (await whatFindingsSay(dev.store, project)).flatMap((finding) =>
        'id' in finding && 'verdict' in finding && finding.verdict === 'proven' ? [finding.id] : [],
      )
    // what rests on absence was proven here before anybody knew of the other program
    const [known, again] = [new Set(await proven('doubted')), await proven('doubted-again')]
    expect(again.length).toBeGreaterThan(2)
    expect(again.filter((id) => !known.has(id))).toEqual([])
  }, 240_000)

  it('say nothing of what is absent, where the export was filtered', async () => {
    const folder = await freshFolder()
    // the sync that would show that nothing is split is left out
    for (const kind of ['write', 'process_ended']) {
      const exported = await cli(['events', 'export', 'part.ndjson', '--kind', kind], { env, folder })
      expect(exported.code, exported.stderr).toBe(0)
      const imported = await cli(['events', 'import', 'part.ndjson', '--data', 'part'], { folder })
      expect(imported.stderr).toMatch(/nothing is claimed from what is absent/)
    }
    const part = await startDev({ port: 0, metricsPort: 0, data: join(folder, 'part') })
    try {
      await judged(part.store)
      const all = new Set((await whatFindingsSay(dev.store)).map((finding) => JSON.stringify(finding)))
      const proven = (await whatFindingsSay(part.store)).filter(
        (finding) => 'verdict' in finding && ['proven', 'observed'].includes(String(finding.verdict)),
      )
      expect(proven.length).toBeGreaterThan(3)
      const withoutCause = (finding: object) =>
        JSON.stringify({ ...finding, cause: undefined, summary: undefined })
      const known = new Set([...all].map((text) => withoutCause(JSON.parse(text))))
      expect(proven.filter((finding) => !known.has(withoutCause(finding)))).toEqual([])
      const { items } = await part.store.processes.list('default', { limit: 500 })
      for (const { dropped } of items) expect(dropped).toMatchObject({ not_exported: 1 })
    } finally {
      await part.close()
    }
  }, 240_000)
})

describe('a file of events', () => {
  it('that is not whole is refused before anything is stored', async () => {
    const folder = await freshFolder()
    await cli(['events', 'export', 'whole.ndjson', '--kind', 'process_ended'], { env, folder })
    const whole = await readFile(join(folder, 'whole.ndjson'), 'utf8')
    await writeFile(join(folder, 'cut.ndjson'), whole.slice(0, whole.lastIndexOf('{"type":"end"')))
    const to = ['--database', database.url, '--project', 'cut']
    const imported = await cli(['events', 'import', 'cut.ndjson', ...to], { folder })
    expect(imported).toMatchObject({ code: 3, stderr: expect.stringContaining('its last line is missing') })
    expect((await dev.store.dumps.page('cut', {}, undefined)).events).toEqual([])
  })

  it('that cannot be written, and an option of the other direction, is said so', async () => {
    const folder = await freshFolder()
    const nowhere = await cli(['events', 'export', 'no/such/folder.ndjson'], { env, folder })
    expect(nowhere).toMatchObject({ code: 3, stderr: expect.stringMatching(/cannot be written.*ENOENT/) })
    const both = await cli(['events', 'export', 'x', '--database', database.url], { env, folder })
    expect(both).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('export does not take --database'),
    })
  })
})

describe('an export whose connection breaks', () => {
  /** Passes the export on, and breaks each connection after so many bytes, but the last ones. */
  async function breaking(breaks: number): Promise<{ server: Server; url: string; asked: string[] }> {
    const asked: string[] = []
    const server = createServer(async (request, response) => {
      asked.push(String(request.url))
      const reply = await fetch(dev.url + request.url, {
        headers: { authorization: String(request.headers.authorization) },
      })
      response.writeHead(reply.status, { 'content-type': String(reply.headers.get('content-type')) })
      let text = ''
      for await (const chunk of reply.body ?? []) text += Buffer.from(chunk).toString()
      const early = Math.min(text.indexOf('"type":"cursor"') + 200, text.length - 20)
      const cut = asked.length <= breaks ? early : text.length
      if (cut === text.length) response.end(text)
      else response.write(text.slice(0, cut), () => response.destroy())
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
  }

  it('goes on where it broke, and its file holds every event once', async () => {
    const folder = await freshFolder()
    const proxy = await breaking(2)
    const exported = await cli(['events', 'export', 'dump.ndjson'], {
      env: { ...env, SYNCPROOF_URL: proxy.url },
      folder,
    })
    proxy.server.close()
    expect(exported.code, exported.stderr).toBe(0)
    expect(proxy.asked.map((url) => url.includes('cursor='))).toEqual([false, true, true])
    const direct = await cli(['events', 'export', 'direct.ndjson'], { env, folder })
    expect(direct.code).toBe(0)
    const events = async (file: string) =>
      (await readFile(join(folder, file), 'utf8'))
        .split('\n')
        .filter((line) => line.startsWith('{"type":"event"'))
    expect(await events('dump.ndjson')).toEqual(await events('direct.ndjson'))
    const imported = await cli(
      ['events', 'import', 'dump.ndjson', '--database', database.url, '--project', 'again'],
      { folder },
    )
    expect(imported.code, imported.stderr).toBe(0)
  })

  it('leaves no file behind where it does not get to its end', async () => {
    const folder = await freshFolder()
    const away = { ...env, SYNCPROOF_URL: 'http://127.0.0.1:9' }
    const exported = await cli(['events', 'export', 'dump.ndjson'], { env: away, folder })
    expect(exported).toMatchObject({ code: 3, stderr: expect.stringContaining('No answer') })
    expect(await readdir(folder)).toEqual([])
  })
})
