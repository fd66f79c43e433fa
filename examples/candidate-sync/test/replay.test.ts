import { execFile, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Finding, FindingKind } from '@syncproof/core/contract'
import { startDev } from 'syncproof'
import { expect, it, onTestFinished, vi } from 'vitest'
import { saidBy } from '../../../tools/testing/what-findings-say.ts'

const DEMO = fileURLToPath(new URL('../demo/main.ts', import.meta.url))
const CLI = fileURLToPath(new URL('main.ts', import.meta.resolve('syncproof')))

/** These do not follow from events alone: somebody read the other system, asked a database, or waited until every process had
 *  spoken. */
const NOT_FROM_EVENTS: readonly FindingKind[] = [
  ...(['missing-in-target', 'unexpected-in-target', 'field-mismatch'] as const),
  ...(['duplicate-create', 'unknown-outcome', 'unobserved-write'] as const),
]

/** The demo, when its traffic is over and judged. */
async function runDemo(): Promise<{ url: string; key: string }> {
  const { SYNCPROOF_API_KEY, SYNCPROOF_URL, ...env } = process.env
  const words = ['--requests', '150', '--seed', '1', '--port', '0', '--metrics-port', '0']
  const demo = spawn(process.execPath, [DEMO, ...words], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise((resolve) => demo.once('close', resolve))
  onTestFinished(async () => {
    demo.kill('SIGINT')
    await ended
  })
  let said = ''
  demo.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const setting = (name: string) => new RegExp(`export ${name}=(\\S+)`).exec(said)?.[1] ?? ''
  await vi.waitFor(() => expect(setting('SYNCPROOF_API_KEY') && setting('SYNCPROOF_URL')).not.toBe(''), {
    timeout: 180_000,
    interval: 200,
  })
  return { url: setting('SYNCPROOF_URL'), key: setting('SYNCPROOF_API_KEY') }
}

it('what the demo reported is found again where its events are imported', async () => {
  const { url, key } = await runDemo()
  const get = (path: string) => fetch(url + path, { headers: { authorization: `Bearer ${key}` } })
  const folder = await mkdtemp(join(tmpdir(), 'syncproof-replay-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const findings: Finding[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const reply = await get(`/v1/findings?limit=500${cursor && `&cursor=${cursor}`}`)
    const page = (await reply.json()) as { items: Finding[]; next_cursor: string | null }
    findings.push(...page.items)
    cursor = page.next_cursor
  }
  await writeFile(join(folder, 'demo.ndjson'), await (await get('/v1/events')).text())
  await promisify(execFile)(process.execPath, [CLI, 'events', 'import', 'demo.ndjson', '--data', 'data'], {
    cwd: folder,
  })
  const elsewhere = await startDev({ port: 0, metricsPort: 0, data: join(folder, 'data') })
  try {
    await vi.waitFor(async () => expect(await elsewhere.store.detection.lag()).toMatchObject({ events: 0 }), {
      timeout: 120_000,
      interval: 100,
    })
    const { items } = await elsewhere.store.findings.list('default', {}, { limit: 500 })
    // whether a split was mended since, who read both sides has said too
    const ofEvents = (all: readonly Finding[]) =>
      saidBy(all.filter(({ kind }) => !NOT_FROM_EVENTS.includes(kind))).map(({ status: _, ...rest }) => rest)
    const proven = findings.filter(({ verdict }) => verdict === 'proven').map(({ kind }) => kind)
    expect(new Set(proven)).toEqual(new Set(['lost-update', 'write-conflict', 'partial-write']))
    expect(ofEvents(items)).toEqual(ofEvents(findings))
  } finally {
    await elsewhere.close()
  }
}, 400_000)
