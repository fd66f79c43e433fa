import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it, vi } from 'vitest'
import { createSyncproof, type SyncproofOptions, type SyncproofWarning } from '../src/index.ts'
import { type RecordingServer, recordingServer } from './recording-server.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const NOWHERE = 'http://127.0.0.1:9'

function tempDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'syncproof-spool-'))
  closing.push(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

function start(options: Partial<SyncproofOptions>) {
  const warnings: SyncproofWarning[] = []
  const syncproof = createSyncproof({
    service: 'test',
    fingerprintKey: 'k',
    flushTimeoutMs: 5_000,
    flushIntervalMs: 20,
    exitTimeoutMs: 0,
    onWarning: (warning) => warnings.push(warning),
    ...options,
  })
  closing.push(() => syncproof.shutdown())
  const call = syncproof.wrap((id: string) => id, { entity: (id) => ({ type: 'thing', id }), name: 'call' })
  return { syncproof, warnings, call }
}

async function recording(): Promise<RecordingServer> {
  const server = await recordingServer()
  closing.push(server.close)
  return server
}

/** Runs a process that makes `calls` calls, and is killed: at once, or where `flushed` when it has delivered what it
 *  could.
 *  @param late the calls are made before the spool is open */
async function killed(
  dir: string,
  { calls = 3, url = NOWHERE, options = '', flushed = false, late = false } = {},
): Promise<void> {
  // waits for the spool, too
  const flush = 'await syncproof.flush()'
  const script = `
    import { createSyncproof } from ${JSON.stringify(new URL('../src/index.ts', import.meta.url).href)}
    const syncproof = createSyncproof({ service: 'killed', fingerprintKey: 'k', url: '${url}', spoolDir: ${JSON.stringify(dir)}, onWarning: ({ code }) => process.stderr.write(code + ' '), ${options} })
    ${late ? '' : flush}
    const call = syncproof.wrap((id) => id, { entity: (id) => ({ type: 'thing', id }), name: 'call' })
    for (let n = 0; n < ${calls}; n += 1) call('t' + n)
    void syncproof.wrap(() => new Promise(() => {}), { entity: () => ({ type: 'thing', id: 'open' }), name: 'open' })()
    ${late || flushed ? flush : ''}
    process.kill(process.pid, 'SIGKILL')`
  const args = ['--input-type=module', '--eval', script]
  const env = { ...process.env, NODE_OPTIONS: '' }
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.on('data', (chunk) => {
    said += chunk
  })
  const signal = await new Promise((resolve) => child.once('exit', (_code, signal) => resolve(signal)))
  if (signal !== 'SIGKILL') throw new Error(said)
}

const spools = (dir: string) => readdirSync(dir).filter((name) => name.endsWith('.spool'))

/** The books of the process that was killed, as the collector heard them last. */
function booksOf(server: RecordingServer, service = 'killed') {
  const batches = server.requests
    .map(({ batch }) => batch)
    .filter(({ process }) => process.service === service)
  const stored = new Set(batches.flatMap(({ events }) => events.map(({ seq }) => seq)))
  const books = batches.at(-1)?.process.books
  const dropped = Object.values(books?.dropped ?? {}).reduce((sum, count) => sum + count, 0)
  return { produced: books?.produced, stored: stored.size, dropped, process: batches.at(-1)?.process }
}

it('what a killed process had produced is sent by the next one, under its own id and with its end', async () => {
  const dir = tempDir()
  await killed(dir)
  const [file = ''] = spools(dir)
  const server = await recording()
  const { syncproof, warnings } = start({ url: server.url, spoolDir: dir })
  expect(await syncproof.flush()).toEqual({ sent: 0, dropped: 0, pending: 0 })
  expect(server.events().map(({ kind, seq }) => `${seq} ${kind}`)).toEqual([
    ...[0, 2, 4].flatMap((seq) => [`${seq} operation_started`, `${seq + 1} operation_finished`]),
    '6 operation_started',
    '7 process_ended',
  ])
  expect(server.ofKind('process_ended')).toMatchObject([{ last_seq: 6 }])
  const books = booksOf(server)
  expect(books).toMatchObject({ produced: 8, stored: 8, dropped: 0 })
  expect(file).toContain(books.process?.id)
  expect(spools(dir)).toEqual([])
  expect(warnings).toEqual([])
})

it('a spool that was cut off at any byte is read, and no more is lost than the record that was cut', async () => {
  const dir = tempDir()
  await killed(dir, { calls: 2 })
  const [file = ''] = spools(dir)
  const whole = readFileSync(join(dir, file))
  const lines = whole.toString().split('\n')
  const server = await recording()
  for (let length = 0; length < whole.length; length += 1) {
    const copy = tempDir()
    writeFileSync(join(copy, file), whole.subarray(0, length))
    const first = server.requests.length
    const { syncproof, warnings } = start({ url: server.url, spoolDir: copy })
    await syncproof.shutdown()
    const sent = server.requests.slice(first).filter(({ batch }) => batch.process.service === 'killed')
    const seqs = sent.flatMap(({ batch }) => batch.events.map(({ seq }) => seq))
    const cut = whole.subarray(0, length).toString().split('\n').length - 1
    const intact = lines.slice(2, Math.max(2, cut)).length
    const isTorn = cut >= 2 && whole[length - 1] !== 10
    const expected = cut < 2 ? 0 : intact + 1
    expect({ length, events: seqs.length }).toEqual({ length, events: expected })
    expect(warnings).toEqual([])
    if (cut < 2) continue
    const books = sent.at(-1)?.batch.process.books
    expect({ length, ...books }).toEqual({
      length,
      produced: intact + 1 + (isTorn ? 1 : 0),
      dropped: isTorn ? { spool_damaged: 1 } : {},
    })
  }
})

it('what was delivered before the kill is not sent again, and the books of the dead process close', async () => {
  const dir = tempDir()
  const server = await recording()
  await killed(dir, { calls: 1_000, url: server.url, options: 'queueBytesMax: 60_000', flushed: true })
  const delivered = server.events().length
  expect(delivered).toBeGreaterThan(50)
  const { syncproof } = start({ url: server.url, spoolDir: dir })
  await syncproof.flush()
  const { produced, stored, dropped } = booksOf(server)
  expect(dropped).toBeGreaterThan(500)
  expect(stored + dropped).toBe(produced)
  // only the end is new
  expect(server.events()).toHaveLength(delivered + 1)
  expect(spools(dir)).toEqual([])
})

it('an event that was dropped after the last one on disk leaves a gap before the end, so that it proves nothing', async () => {
  const dir = tempDir()
  await killed(dir, { calls: 1_000, options: 'queueBytesMax: 20_000' })
  const server = await recording()
  await start({ url: server.url, spoolDir: dir }).syncproof.flush()
  const [ended] = server.ofKind('process_ended')
  const seqs = new Set(server.events().map(({ seq }) => seq))
  expect(seqs.has(ended?.last_seq ?? 0)).toBe(false)
})

it('events that were dropped before the spool was open leave such a gap, too', async () => {
  const dir = tempDir()
  await killed(dir, { calls: 1_000, options: 'queueBytesMax: 20_000', late: true })
  const server = await recording()
  await start({ url: server.url, spoolDir: dir }).syncproof.flush()
  const { produced, stored, dropped } = booksOf(server)
  expect(dropped).toBeGreaterThan(1_000)
  expect(stored + dropped).toBe(produced)
  // the calls have made 2,001 events, numbered from 0
  expect(server.ofKind('process_ended')).toMatchObject([{ seq: 2_001, last_seq: 2_000 }])
})

it('files go when their events are delivered, and nothing is left after a shutdown', async () => {
  const dir = tempDir()
  const server = await recording()
  const { syncproof, call } = start({ url: server.url, spoolDir: dir, flushTimeoutMs: 20_000 })
  await vi.waitFor(() => {
    call('a')
    expect(spools(dir)).toHaveLength(1)
  })
  for (let n = 0; n < 8_000; n += 1) call(`t${n}`)
  expect(spools(dir).length).toBeGreaterThan(1)
  await syncproof.flush()
  const bytes = spools(dir).reduce((sum, name) => sum + statSync(join(dir, name)).size, 0)
  expect(bytes).toBeLessThan(300_000)
  await syncproof.shutdown()
  expect(spools(dir)).toEqual([])
})

it('two processes share a folder, and neither sends for the other while it lives', async () => {
  const dir = tempDir()
  const server = await recording()
  const first = start({ url: NOWHERE, spoolDir: dir, service: 'first', flushTimeoutMs: 0 })
  const second = start({ url: server.url, spoolDir: dir, service: 'second' })
  await vi.waitFor(() => {
    first.call('a')
    second.call('b')
    expect(spools(dir)).toHaveLength(2)
  })
  await second.syncproof.flush()
  await second.syncproof.shutdown()
  expect(spools(dir)).toHaveLength(1)
  expect(new Set(server.requests.map(({ batch }) => batch.process.service))).toEqual(new Set(['second']))
})

it('an operation that was open at shutdown is not said to have ended with its process', async () => {
  const dir = tempDir()
  const { syncproof } = start({ url: NOWHERE, spoolDir: dir, flushTimeoutMs: 300 })
  const open = syncproof.wrap(() => new Promise(() => {}), {
    entity: () => ({ type: 'thing', id: 'a' }),
    name: 'open',
  })
  await vi.waitFor(() => {
    void open()
    expect(spools(dir)).toHaveLength(1)
  })
  await syncproof.shutdown()
  const [file = ''] = spools(dir)
  expect(readFileSync(join(dir, file), 'utf8')).toMatch(/^syncproof spool 1 -\n/)
})

it('a disk that takes no more costs the spool and one warning, not the app; what it holds is not taken for whole', async () => {
  const dir = tempDir()
  const warned: string[] = []
  const script = `
    import { createSyncproof } from ${JSON.stringify(new URL('../src/index.ts', import.meta.url).href)}
    const syncproof = createSyncproof({ service: 'full', fingerprintKey: 'k', url: '${NOWHERE}', spoolDir: ${JSON.stringify(dir)}, onWarning: ({ code }) => process.stderr.write(code + ' ') })
    await new Promise((resolve) => setTimeout(resolve, 100))
    const call = syncproof.wrap((id) => id, { entity: (id) => ({ type: 'thing', id }), name: 'call' })
    for (let n = 0; n < 1000; n += 1) if (call('t' + n) !== 't' + n) process.exit(1)
    process.kill(process.pid, 'SIGKILL')`
  const child = spawn(
    'sh',
    ['-c', 'ulimit -f 64; exec "$0" "$@"', process.execPath, '--input-type=module', '--eval', script],
    {
      env: { ...process.env, NODE_OPTIONS: '' },
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  )
  child.stderr.on('data', (chunk) => warned.push(String(chunk)))
  const signal = await new Promise((resolve) => child.once('exit', (_code, signal) => resolve(signal)))
  expect([signal, warned.join('').trim()]).toEqual(['SIGKILL', 'spool_unwritable'])
  const server = await recording()
  await start({ url: server.url, spoolDir: dir }).syncproof.flush()
  expect(server.events().length).toBeGreaterThan(50)
  expect(server.ofKind('process_ended')).toEqual([])
})

it('a folder that is not there yet is no fault: the first event makes it', async () => {
  const dir = join(tempDir(), 'a/b')
  const server = await recording()
  const { syncproof, call, warnings } = start({ url: server.url, spoolDir: dir, flushIntervalMs: 60_000 })
  await syncproof.flush()
  call('a')
  expect(spools(dir)).toHaveLength(1)
  expect(warnings).toEqual([])
})

it('a folder that cannot be one costs the spool and one warning', async () => {
  const file = join(tempDir(), 'file')
  writeFileSync(file, '')
  const server = await recording()
  const { syncproof, call, warnings } = start({ url: server.url, spoolDir: file })
  await vi.waitFor(() => {
    call('a')
    expect(warnings.map(({ code }) => code)).toContain('spool_unwritable')
  })
  for (let n = 0; n < 10; n += 1) call('b')
  expect((await syncproof.flush()).pending).toBe(0)
  expect(warnings.filter(({ code }) => code === 'spool_unwritable')).toHaveLength(1)
})

it('what is not of ours in the folder is left as it is', async () => {
  const dir = tempDir()
  const id = '00000000-0000-4000-8000-000000000000'
  const garbage = Buffer.from(Array.from({ length: 5_000 }, (_, n) => (n * 7) % 256))
  writeFileSync(join(dir, 'notes.txt'), 'mine')
  writeFileSync(join(dir, `${id}.0.spool`), garbage)
  mkdirSync(join(dir, `${id.replace('4', '5')}.0.spool`))
  await killed(dir)
  const server = await recording()
  const { syncproof } = start({ url: server.url, spoolDir: dir })
  await syncproof.flush()
  expect(server.events()).toHaveLength(8)
  expect(readFileSync(join(dir, 'notes.txt'), 'utf8')).toBe('mine')
  expect(readFileSync(join(dir, `${id}.0.spool`))).toEqual(garbage)
})
