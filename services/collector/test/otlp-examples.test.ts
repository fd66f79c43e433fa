import { execFile, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createFingerprinter } from '@syncproof/core/contract'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { engines } from '../../../tools/testing/stores.ts'
import { type OpenedCollector, openCollector } from './open-collector.ts'

/** The examples of docs/otlp.md, run as they stand there. */
const page = readFileSync(new URL('../../../docs/otlp.md', import.meta.url), 'utf8')
const example = (language: string): string =>
  new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 's').exec(page)?.[1] ?? ''
const has = (program: string, flag: string) => spawnSync(program, [flag]).status === 0

let collector: OpenedCollector
let env: NodeJS.ProcessEnv
let folder: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'syncproof-otlp-'))
  collector = await openCollector(engines.PGlite)
  env = {
    ...process.env,
    SYNCPROOF_URL: await collector.app.listen({ host: '127.0.0.1', port: 0 }),
    SYNCPROOF_API_KEY: await collector.key('default', 'ingest'),
    SYNCPROOF_FINGERPRINT_KEY: 'a key of the test',
    GOCACHE: join(folder, 'go'),
    GO111MODULE: 'off',
  }
})
afterAll(async () => {
  await collector.close()
  rmSync(folder, { recursive: true, force: true })
})

async function run(program: string, words: readonly string[], file: string, text: string): Promise<string> {
  writeFileSync(join(folder, file), text)
  const { stdout } = await promisify(execFile)(program, [...words, join(folder, file)], { env })
  return stdout
}

async function takeEvents() {
  const { items } = await collector.store.events.timeline(
    'default',
    { type: 'candidate', id: 'c-17' },
    { limit: 100 },
  )
  return items.toSorted((a, b) => (a.kind < b.kind ? -1 : 1))
}

test.skipIf(!has('python3', '--version'))(
  'the Python example reports what it did, with fingerprints of ours',
  async () => {
    expect(await run('python3', [], 'rate.py', example('python'))).toBe('{}\n')
    const status = (text: string) =>
      createFingerprinter('a key of the test').fingerprint(
        { type: 'candidate', id: 'c-17' },
        'status',
        `s${text.length}:${text}`,
        'auto',
      )
    const events = await takeEvents()
    expect(events).toMatchObject([
      { kind: 'operation_started', name: 'rate' },
      { kind: 'read', fields: { status: status('new') } },
      { kind: 'write', overwritten_by_self: false, overwritten_fields: { status: status('hired') } },
    ])
  },
)

test.skipIf(!has('go', 'version'))('the Go example reports what it did', async () => {
  const before = (await takeEvents()).length
  expect(await run('go', ['run'], 'rate.go', example('go'))).toBe('200 OK {}\n')
  expect((await takeEvents()).length - before).toBe(3)
})
