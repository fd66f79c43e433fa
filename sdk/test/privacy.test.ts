import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterEach, expect, it, vi } from 'vitest'
import { createSyncproof } from '../src/index.ts'
import { type Answer, recordingServer } from './recording-server.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const CANARY = 'kanari "fugl" \\7 søker@example.test'

/** Every spelling in which a value could be hidden in bytes. */
function spellings(text: string): readonly string[] {
  const json = JSON.stringify(text).slice(1, -1)
  const ascii = json.replace(/[^ -~]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
  const plain = [
    text,
    json,
    JSON.stringify(json).slice(1, -1),
    ascii,
    encodeURIComponent(text),
    encodeURI(text),
  ]
  const bytes = Buffer.from(text)
  // base64 of the value anywhere in a longer text: by three alignments, without the characters that its neighbours touch
  const base64 = [0, 1, 2].flatMap((before) => {
    const padded = Buffer.concat([Buffer.alloc(before), bytes])
    return (['base64', 'base64url'] as const).map((form) => padded.toString(form).slice(4, -4))
  })
  const digests = (['hex', 'base64', 'base64url'] as const).flatMap((form) =>
    ['md5', 'sha1', 'sha256'].map((name) => createHash(name).update(text).digest(form).slice(0, 20)),
  )
  const hex = bytes.toString('hex')
  return [...plain, ...base64, ...digests, hex, hex.toUpperCase()]
}

/** The spellings that stand in these bytes. */
function found(bytes: Buffer): readonly string[] {
  return spellings(CANARY).filter((spelling) => bytes.includes(spelling))
}

/** A collector behind a wire that is listened to. */
async function tappedCollector(answer?: Answer) {
  const server = await recordingServer(answer)
  const chunks: Buffer[] = []
  const wire = createServer((socket) => {
    const inner = connect(Number(new URL(server.url).port), '127.0.0.1')
    socket.on('data', (chunk) => chunks.push(chunk))
    for (const end of [socket, inner]) end.on('error', () => end.destroy())
    socket.pipe(inner).pipe(socket)
  })
  await new Promise<void>((resolve) => wire.listen(0, '127.0.0.1', resolve))
  const address = wire.address()
  if (address === null || typeof address === 'string') throw new Error('a TCP server has no port')
  closing.push(server.close, () => wire.close())
  return { url: `http://127.0.0.1:${address.port}`, server, bytes: () => inflated(Buffer.concat(chunks)) }
}

/** What was said on the wire, with gzip bodies laid open. */
function inflated(raw: Buffer): Buffer {
  const parts: Buffer[] = [raw]
  for (let at = raw.indexOf('\r\n\r\n'); at >= 0; at = raw.indexOf('\r\n\r\n', at + 4)) {
    if (raw.readUInt16BE(at + 4) === 0x1f8b) {
      const head = raw.subarray(0, at).toString('latin1')
      const length = Number(/content-length: (\d+)(?![\s\S]*content-length)/i.exec(head)?.[1])
      parts.push(gunzipSync(raw.subarray(at + 4, at + 4 + length)))
    }
  }
  return Buffer.concat(parts)
}

class PaymentError extends Error {
  readonly code = '23505'
  readonly detail = `Key (email)=(${CANARY}) already exists.`
  readonly query = `update t set email = '${CANARY}'`
  readonly parameters = [CANARY]
  readonly config = { url: `https://ats.test/?q=${CANARY}`, headers: { authorization: CANARY } }
  readonly response = { status: 422, headers: { 'x-echo': CANARY }, data: { email: CANARY } }
}

it('a value leaves the process in no spelling: not by records, arguments, errors, SQL, URLs or headers, and not to disk', async () => {
  expect(found(Buffer.from(`{"a":${JSON.stringify(CANARY)}}`))).not.toEqual([])
  expect(found(Buffer.from(Buffer.from(`xx${CANARY}xx`).toString('base64')))).not.toEqual([])

  const spoolDir = mkdtempSync(join(tmpdir(), 'syncproof-privacy-'))
  closing.push(() => rmSync(spoolDir, { recursive: true, force: true }))
  let isAway = true
  const collector = await tappedCollector(() =>
    isAway ? { status: 503, headers: { 'retry-after': '0' } } : undefined,
  )
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
  await vi.waitFor(async () => {
    await work('c1', record).catch(() => undefined)
    expect(spooled().length).toBeGreaterThan(1_000)
  })
  expect(found(spooled())).toEqual([])
  isAway = false
  const { pending, dropped } = await syncproof.shutdown()
  expect([pending, dropped]).toEqual([0, 0])
  expect(collector.server.ofKind('write').length).toBeGreaterThan(1)
  expect(collector.bytes().length).toBeGreaterThan(5_000)
  expect(collector.bytes().includes('"kind":"sync"')).toBe(true)
  expect(found(collector.bytes())).toEqual([])
  expect(warned.join('\n')).not.toContain('kanari')
})
