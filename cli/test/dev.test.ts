import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { createFingerprinter, type SyncproofEvent } from '@syncproof/core/contract'
import type { ReportedEvent } from '@syncproof/store'
import { describe, expect, it, onTestFinished } from 'vitest'
import { freshDatabase, redisUrl } from '../../tools/testing/servers.ts'
import { startDev } from '../src/index.ts'
import { cli, freePort, freshFolder, startCli } from './support/cli.ts'
import { createReporter, post } from './support/telemetry.ts'

const FREE_PORTS = ['--port', '0', '--metrics-port', '0']

interface Started {
  readonly url: string
  readonly metrics_url: string
  readonly api_key: string
}

async function startedDev(words: readonly string[], options: Parameters<typeof startCli>[1] = {}) {
  const dev = startCli(['dev', '--json', ...FREE_PORTS, ...words], options)
  const started: Started = JSON.parse(await dev.says(/^(\{.*"type":"started".*\})$/m))
  return { dev, started, env: { SYNCPROOF_URL: started.url, SYNCPROOF_API_KEY: started.api_key } }
}

async function losesAnUpdate({ url, api_key: key }: Started, id: string) {
  const reporter = createReporter()
  const receipt = await post(url, key, reporter.batch(reporter.operation(id, true)))
  expect(receipt).toEqual({ status: 202, body: { accepted: 4, duplicates: 0, rejected: [] } })
}

describe('syncproof dev', () => {
  it('starts in an empty folder, makes a key, takes events and prints the finding; then Ctrl-C ends it cleanly', async () => {
    const folder = await freshFolder()
    const dev = startCli(['dev', ...FREE_PORTS], { folder })
    const url = await dev.says(/export SYNCPROOF_URL=(\S+)/)
    const key = await dev.says(/export SYNCPROOF_API_KEY=(\S+)/)
    await dev.says(/No pairs to compare: there is no syncproof\.config\.ts here\./)
    await dev.says(/embedded, in \.syncproof/)
    expect(dev.stdout()).toBe('')

    await losesAnUpdate({ url, api_key: key, metrics_url: '' }, '42')
    await dev.says(/proven {2}lost-update {2}candidate 42 {2}score/)
    const metrics = await fetch(await dev.says(/Metrics +(\S+)/))
    expect(await metrics.text()).toContain('syncproof_events_total{result="accepted"} 4')

    expect(await dev.kill('SIGINT')).toEqual({ code: 0, signal: null })
    expect(dev.stderr()).toContain('Stopped.')
  })

  it('keeps what it knows in its folder, and accepts the key that it is given', async () => {
    const folder = await freshFolder()
    const options = { folder, env: { SYNCPROOF_API_KEY: 'my-own-key' } }
    const first = await startedDev(['--data', 'kept'], options)
    expect(first.started.api_key).toBe('my-own-key')
    // said after the line that startedDev waits for, on the other stream
    await first.dev.says(/The key is the one in SYNCPROOF_API_KEY/)
    expect(first.dev.stderr()).not.toContain('my-own-key')
    await losesAnUpdate(first.started, '7')
    await first.dev.says(/"kind":"lost-update"/)

    const second = await cli(['dev', '--data', 'kept', ...FREE_PORTS], options)
    expect(second.code).toBe(3)
    expect(second.stderr).toContain('Stop the other process')

    expect((await first.dev.kill('SIGTERM')).code).toBe(0)
    const again = await startedDev(['--data', 'kept'], options)
    const { code, stdout } = await cli(['findings', '--json', '--kind', 'lost-update'], { env: again.env })
    expect(code).toBe(1)
    expect(JSON.parse(stdout).findings.map((finding: { entity: unknown }) => finding.entity)).toEqual([
      { type: 'candidate', id: '7' },
    ])
  })

  it('tells a person and a script which events are inconsistent, and which ones they contradict', async () => {
    const { started, env } = await startedDev(['--ephemeral'])
    const { url, api_key: key } = started
    const [app, twin] = [createReporter(), createReporter()]
    const first = app.operation('7', false)
    const second = twin.operation('7', false)
    const [, , write] = first
    // the twin reports under the name of the app; then an id comes again
    for (const events of [first, second, [{ ...write, outcome: 'rejected' } as SyncproofEvent]])
      expect(await post(url, key, app.batch(events))).toMatchObject({ status: 202 })
    const explain = async (...words: string[]) =>
      (await cli(['explain', 'candidate', '7', ...words], { env })).stdout
    const doubts = async () =>
      (JSON.parse(await explain('--json')).events as ReportedEvent[]).map(
        ({ id, inconsistent, inconsistent_copies: copies }) => ({ id, inconsistent, copies }),
      )
    const expected = [
      ...first.slice(0, 3).map(({ id }) => ({
        id,
        copies: id === write?.id ? { count: 1, differs: ['outcome'] } : undefined,
      })),
      ...second.slice(0, 3).map(({ id }, place) => ({
        id,
        inconsistent: { contradicts: 'sequence', event_id: first[place]?.id },
      })),
    ]
    // which one is contradicted is known when they have been judged
    await expect.poll(doubts, { timeout: 30_000 }).toEqual(expect.arrayContaining(expected))
    const text = await explain()
    expect(text).toContain('3 INCONSISTENT: they contradict events that came before, and prove nothing.')
    expect(text.match(/INCONSISTENT, proves nothing {2}write db/g)).toHaveLength(1)
    expect(text).toMatch(/contradicts the write of [AB] at [\d:.]+: both have number 2 of their\s+process/)
    expect(text).toMatch(/1 INCONSISTENT COPY came with other content \(outcome\) and proves\s+nothing/)
  })

  it('shows findings and the history of an entity to a person, with exit codes for a script', async () => {
    const { started, env } = await startedDev(['--ephemeral'])
    expect(await cli(['findings'], { env })).toMatchObject({
      code: 0,
      stdout: '',
      stderr: '0 open findings.\n',
    })
    expect(await cli(['explain', 'candidate', '1'], { env })).toMatchObject({ code: 3, stdout: '' })

    const evil = 'evil\u001b[2J\n9'
    await losesAnUpdate(started, evil)
    await expect
      .poll(async () => (await cli(['findings', '--kind', 'lost-update'], { env })).code, { timeout: 30_000 })
      .toBe(1)
    const { stdout } = await cli(['findings', '--kind', 'lost-update', '--limit', '1'], { env })
    expect(stdout).toContain('candidate evil\\u{1b}[2J\\n9')
    expect(stdout).not.toContain('\u001b')
    expect((await cli(['findings', '--verdict', 'indeterminate'], { env })).code).toBe(0)

    const explained = await cli(['explain', 'candidate', evil], { env })
    expect(explained.code).toBe(1)
    expect(explained.stdout).toMatch(/ A {3}syncCandidate starts\n/)
    expect(explained.stdout).toMatch(/ A {3}read db {2}v1\n/)
    expect(explained.stdout).toMatch(
      / A {3}write db {2}update {2}v2 → v3 .*\s+over v2, which it had not read; v2 changed score\s+ok\n/,
    )
    expect(explained.stdout.split('\n').filter((line) => line.length > 100)).toEqual([])
    expect(explained.stdout).toContain('  A   syncCandidate in candidate-api 1.2.0  ok  ')
    expect(explained.stdout).toContain('lost-update')
    const asJson = JSON.parse((await cli(['explain', 'candidate', evil, '--json'], { env })).stdout)
    expect(asJson).toMatchObject({ version: 1, entity: { type: 'candidate', id: evil }, more: false })
  })

  it('finds an entity by its id also where the app sends a hash of it', async () => {
    const { started, env } = await startedDev(['--ephemeral'])
    const hashed = createFingerprinter('secret').entityId({ type: 'candidate', id: 'c-17' })
    await losesAnUpdate(started, hashed)
    const withKey = { ...env, SYNCPROOF_FINGERPRINT_KEY: 'secret' }
    await expect
      .poll(async () => (await cli(['explain', 'candidate', 'c-17'], { env: withKey })).code, {
        timeout: 30_000,
      })
      .toBe(1)
    const explained = await cli(['explain', 'candidate', 'c-17'], { env: withKey })
    expect(explained.stdout).toContain(`candidate ${hashed}`)
    expect(explained.stdout).toContain('lost-update')
    const said = `The id is hashed with SYNCPROOF_FINGERPRINT_KEY: it is known as ${hashed}. --as-is looks for the id itself.\n`
    expect(explained.stderr).toBe(said)

    const ofEntity = ['findings', '--entity-id', 'c-17']
    const listed = await cli([...ofEntity, '--entity-type', 'candidate'], { env: withKey })
    expect(listed).toMatchObject({ code: 1, stdout: expect.stringContaining('lost-update') })
    expect(listed.stderr).toContain(said)
    const ofNoType = await cli(ofEntity, { env: withKey })
    expect(ofNoType).toMatchObject({ code: 0, stderr: expect.stringContaining('name --entity-type too') })

    // from before the app hashed its ids
    await losesAnUpdate(started, 'c-17')
    await expect
      .poll(async () => (await cli(['explain', 'candidate', 'c-17', '--as-is'], { env: withKey })).code, {
        timeout: 30_000,
      })
      .toBe(1)
    const asIs = await cli(['explain', 'candidate', 'c-17', '--as-is', '--json'], { env: withKey })
    expect(asIs.stderr).toBe('')
    expect(JSON.parse(asIs.stdout)).toMatchObject({ entity: { id: 'c-17' } })
    const newest = await cli(['explain', 'candidate', 'c-17', '--json'], { env: withKey })
    expect(JSON.parse(newest.stdout)).toMatchObject({ entity: { id: hashed } })
    const listedAsIs = await cli([...ofEntity, '--entity-type', 'candidate', '--as-is', '--json'], {
      env: withKey,
    })
    expect(JSON.parse(listedAsIs.stdout)).toMatchObject({ filter: { entity_id: 'c-17' }, findings: [{}] })
  })

  it('does not find a hashed entity by its id without the key, and says what to set', async () => {
    const { started, env } = await startedDev(['--ephemeral'])
    const hashed = createFingerprinter('secret').entityId({ type: 'candidate', id: 'c-17' })
    await losesAnUpdate(started, hashed)
    await expect
      .poll(async () => (await cli(['explain', 'candidate', hashed], { env })).code, { timeout: 30_000 })
      .toBe(1)
    const withoutKey = await cli(['explain', 'candidate', 'c-17'], { env })
    expect(withoutKey).toMatchObject({ code: 3, stdout: '' })
    expect(withoutKey.stderr).toContain('set SYNCPROOF_FINGERPRINT_KEY')
    const byHash = await cli(['explain', 'candidate', hashed], { env })
    expect([byHash.code, byHash.stderr]).toEqual([1, ''])
  })

  it('runs on PostgreSQL, with its jobs there or in Redis', async () => {
    const database = await freshDatabase()
    try {
      const redis = redisUrl()
      for (const words of [[], ...(redis === undefined ? [] : [['--redis', redis]])]) {
        const { dev, started } = await startedDev(['--database', database.url, ...words])
        const id = `on ${words[0] ?? 'PostgreSQL'}`
        await losesAnUpdate(started, id)
        await dev.says(new RegExp(`"kind":"lost-update".*"id":"${id}"`))
        expect(await dev.kill('SIGTERM')).toEqual({ code: 0, signal: null })
      }
    } finally {
      await database.drop()
    }
  })

  it('exits 3 and names the option where a port is taken', async () => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void other.close())
    const port = String((other.address() as AddressInfo).port)
    for (const option of ['--port', '--metrics-port']) {
      const { code, stderr } = await cli(['dev', '--ephemeral', ...FREE_PORTS, option, port])
      expect({ option, code }).toEqual({ option, code: 3 })
      expect(stderr).toContain(`port ${port} of 127.0.0.1 is in use by another program`)
      expect(stderr).toContain(`Take another port with ${option}`)
    }
  })

  it('finishes what it has accepted when it is stopped, and a second Ctrl-C ends it at once', async () => {
    const { dev, started } = await startedDev(['--ephemeral'])
    // A request whose body never ends keeps the first stop waiting.
    const { hostname, port } = new URL(started.url)
    const client = connect(Number(port), hostname)
    onTestFinished(() => void client.destroy())
    client.on('error', () => {})
    const head = ['POST /v1/events HTTP/1.1', 'host: x', `authorization: Bearer ${started.api_key}`]
    client.write(`${[...head, 'content-type: application/json', 'content-length: 99'].join('\r\n')}\r\n\r\n{`)
    await once(client, 'connect')
    await losesAnUpdate(started, 'later than that request')
    dev.child.kill('SIGINT')
    await dev.says(/Stopping\./)
    // Signals at nearly the same time are one: npm passes a Ctrl-C on that the terminal has sent already.
    await sleep(700)
    expect(await dev.kill('SIGINT')).toEqual({ code: 130, signal: null })
  })

  it('exits 2 where it is told two places to keep the events', async () => {
    const { code, stderr } = await cli(['dev', '--ephemeral', '--data', 'x'])
    expect(code).toBe(2)
    expect(stderr).toContain('exclude each other')
  })
})

describe('startDev', () => {
  it('runs within a program of the user, and closes what it opened', async () => {
    const found: string[] = []
    const port = await freePort()
    const dev = await startDev({
      ephemeral: true,
      port,
      metricsPort: 0,
      apiKey: 'embedded',
      onFinding: (finding) => found.push(`${finding.kind} ${finding.entity?.id}`),
    })
    expect(dev.url).toBe(`http://127.0.0.1:${port}`)
    await losesAnUpdate({ url: dev.url, api_key: dev.apiKey, metrics_url: dev.metricsUrl }, '5')
    await expect.poll(() => found, { timeout: 30_000 }).toContain('lost-update 5')
    await dev.close()
    await dev.close()
    await expect(fetch(dev.metricsUrl)).rejects.toThrow()
    await expect(fetch(dev.url)).rejects.toThrow()
  })
})
