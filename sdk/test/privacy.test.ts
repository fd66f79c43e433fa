import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it, vi } from 'vitest'
import { createSyncproof } from '../src/index.ts'
import { found, tappedCollector } from './wire-tap.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const CANARY = 'kanari "fugl" \\7 søker@example.test'

class PaymentError extends Error {
  readonly code = '23505'
  readonly detail = `Key (email)=(${CANARY}) already exists.`
  readonly query = `update t set email = '${CANARY}'`
  readonly parameters = [CANARY]
  readonly config = { url: `https://ats.test/?q=${CANARY}`, headers: { authorization: CANARY } }
  readonly response = { status: 422, headers: { 'x-echo': CANARY }, data: { email: CANARY } }
}

it('a value leaves the process in no spelling: not by records, arguments, errors, SQL, URLs or headers, and not to disk', async () => {
  expect(found(CANARY, Buffer.from(`{"a":${JSON.stringify(CANARY)}}`))).not.toEqual([])
  expect(found(CANARY, Buffer.from(Buffer.from(`xx${CANARY}xx`).toString('base64')))).not.toEqual([])

  const spoolDir = mkdtempSync(join(tmpdir(), 'syncproof-privacy-'))
  closing.push(() => rmSync(spoolDir, { recursive: true, force: true }))
  let isAway = true
  const collector = await tappedCollector(() =>
    isAway ? { status: 503, headers: { 'retry-after': '0' } } : undefined,
  )
  closing.push(collector.close)
  const warned: string[] = []
  const syncproof = createSyncproof({
    service: 'test',
    url: collector.url,
    fingerprintKey: 'k',
    spoolDir,
    onWarning: ({ message }) => warned.push(message),
  })
  closing.push(() => syncproof.shutdown())
  const record = {
    email: CANARY,
    nested: { list: [CANARY], bytes: Buffer.from(CANARY) },
    long: CANARY.repeat(20_000),
    get broken(): string {
      throw new Error(CANARY)
    },
  }
  const response = { status: 200, headers: { location: `/candidates/${CANARY}` }, data: record }
  const work = syncproof.wrap(
    async (_id: string, updates: typeof record) => {
      const row = await syncproof.read('db', async () => ({ rows: [updates], rowCount: 1, command: CANARY }))
      await syncproof.write('db', updates, async () => row)
      await syncproof.sync('ats', updates, async () => response)
      for (const mark of [
        () => syncproof.read('db', () => Promise.reject(new PaymentError(CANARY))),
        () => syncproof.write('db', updates, () => Promise.reject(new PaymentError(CANARY))),
        () => syncproof.sync('ats', updates, () => Promise.reject(new PaymentError(CANARY))),
      ])
        await mark().catch(() => undefined)
      throw new PaymentError(CANARY, { cause: new Error(CANARY) })
    },
    { entity: (id) => ({ type: 'candidate', id }), name: 'work' },
  )
  const spooled = () => Buffer.concat(readdirSync(spoolDir).map((name) => readFileSync(join(spoolDir, name))))
  await vi.waitFor(
    async () => {
      await work('c1', record).catch(() => undefined)
      expect(spooled().length).toBeGreaterThan(1_000)
    },
    { timeout: 20_000 },
  )
  expect(found(CANARY, spooled())).toEqual([])
  isAway = false
  const { pending, dropped } = await syncproof.shutdown()
  expect([pending, dropped]).toEqual([0, 0])
  expect(collector.server.ofKind('write').length).toBeGreaterThan(1)
  expect(collector.bytes().length).toBeGreaterThan(5_000)
  expect(collector.bytes().includes('"kind":"sync"')).toBe(true)
  expect(found(CANARY, collector.bytes())).toEqual([])
  expect(warned.join('\n')).not.toContain('kanari')
})
