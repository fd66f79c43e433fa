import { spawnSync } from 'node:child_process'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type SingerOptions, singer } from '../src/index.ts'
import { listed } from './api.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'syncproof-singer-'))
})
afterAll(() => rm(folder, { recursive: true }))

let taps = 0
/** A tap whose program is this text. */
async function tap(program: string, more: Partial<SingerOptions> = {}) {
  taps += 1
  const path = join(folder, `tap-${taps}.mjs`)
  const say = `const say = (...messages) => { for (const one of messages) process.stdout.write(JSON.stringify(one) + '\\n') }\n`
  await writeFile(path, say + program)
  return singer({ command: [process.execPath, path], stream: 'users', ...more }).open()
}

const schema = `say({ type: 'SCHEMA', stream: 'users', schema: {}, key_properties: ['id'] })\n`

describe('a tap', () => {
  it('is run to its end, and its records of one stream are listed, with every digit', async () => {
    const source = await tap(`${schema}
      say({ type: 'SCHEMA', stream: 'orders', schema: {}, key_properties: ['number'] })
      process.stdout.write('{"type":"record","stream":"users","record":{"id":2,"big":9007199254740993},"time_extracted":"2026-01-02T03:04:05Z"}\\n')
      say({ type: 'RECORD', stream: 'orders', record: { number: 1 } })
      say({ type: 'STATE', value: { users: 2 } }, { type: 'ACTIVATE_VERSION', stream: 'users', version: 5 }, { type: 'NEWS' })
      say({ type: 'RECORD', stream: 'users', record: { id: '10', gone: true } })
      console.error('INFO done')`)
    expect(await listed(source)).toMatchObject([
      { key: '2', fields: { big: '9007199254740993' }, observedAt: '2026-01-02T03:04:05.000Z' },
      { key: '10', fields: { gone: true } },
    ])
    expect(source).not.toHaveProperty('get')
  })

  it('gets its config and catalog in files that nobody else may read, which are removed', async () => {
    const before = await leftBehind()
    const source = await tap(
      `import { readFileSync, statSync } from 'node:fs'
      const [, , ...args] = process.argv
      const file = (name) => args[args.indexOf(name) + 1]
      ${schema}
      const mode = (statSync(file('--config')).mode & 0o777).toString(8)
      const record = { id: 1, mode, secret: JSON.parse(readFileSync(file('--config'), 'utf8')).secret }
      say({ type: 'RECORD', stream: 'users', record: { ...record, catalog: readFileSync(file('--catalog'), 'utf8') } })`,
      { config: { secret: 's' }, catalog: { streams: [] } },
    )
    const [record] = await listed(source)
    expect(record?.fields).toEqual({ mode: '600', secret: 's', catalog: '{"streams":[]}' })
    expect(await leftBehind()).toEqual(before)
  })

  it('has the key that is named here where it says none, and fields, filter and deletions as other systems', async () => {
    const program = `say({ type: 'SCHEMA', stream: 'users', schema: {}, key_properties: [] })
      say({ type: 'RECORD', stream: 'users', record: { a: 'x', b: 1, p: { n: 'Ada' }, archived: true, kind: 'k' } })
      say({ type: 'RECORD', stream: 'users', record: { a: 'y', b: 2, kind: 'other' } })`
    const options = { fields: { name: '$.p.n' }, deleted: 'archived', where: { path: 'kind', is: ['k'] } }
    expect(await listed(await tap(program, { key: ['a', 'b'], ...options }))).toMatchObject([
      { key: 'x/1', fields: { name: 'Ada' }, deleted: true },
    ])
    await expect(listed(await tap(program))).rejects.toMatchObject({ code: 'key_missing' })
  })

  it.each<[string, string, string, Partial<SingerOptions>]>([
    ['that ends with a code', `${schema} process.exitCode = 3`, 'command_failed', {}],
    ['that crashes in the middle', `${schema} process.kill(process.pid, 'SIGKILL')`, 'command_failed', {}],
    ['that writes half a line', `${schema} process.stdout.write('{"type":"REC')`, 'truncated', {}],
    ['that logs to stdout', `console.log('INFO starting')\n${schema}`, 'not_json', {}],
    [
      'without the stream',
      `say({ type: 'SCHEMA', stream: 'other', key_properties: ['id'] })`,
      'unexpected_shape',
      {},
    ],
    [
      'with a record before its schema',
      `say({ type: 'RECORD', stream: 'users', record: { id: 1 } })`,
      'unexpected_shape',
      {},
    ],
    [
      'with a record without its key',
      `${schema} say({ type: 'RECORD', stream: 'users', record: {} })`,
      'key_missing',
      {},
    ],
    ['that hangs', `${schema} setInterval(() => {}, 1000)`, 'timed_out', { timeout: '300ms' }],
    [
      'with a line of 1 GB',
      `${schema} const part = 'x'.repeat(1 << 20)
      const more = () => { while (process.stdout.write(part)); process.stdout.once('drain', more) }
      more()`,
      'body_too_large',
      {},
    ],
  ])('%s is not whole', async (_, program, code, more) => {
    const before = process.memoryUsage.rss()
    await expect(listed(await tap(program, more))).rejects.toMatchObject({ name: 'ListingError', code })
    expect(process.memoryUsage.rss() - before).toBeLessThan(200 * 1024 * 1024)
  })

  it('that is not there is said, and one that ends badly says nothing of what it logged', async () => {
    const missing = singer({ command: ['tap-that-is-not-there'], stream: 'users' }).open()
    await expect(listed(missing)).rejects.toMatchObject({
      code: 'command_failed',
      detail: expect.stringContaining('ENOENT'),
    })
    const failing = listed(await tap(`console.error('secret value'); process.exit(1)`))
    await expect(failing).rejects.not.toThrow(/secret value/)
  })

  it('is ended with all that it has started, when the listing is told to stop', async () => {
    const stop = new AbortController()
    const source = await tap(`import { spawn } from 'node:child_process'
      const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
      ${schema}
      for (let n = 0; n < 2000; n += 1) say({ type: 'RECORD', stream: 'users', record: { id: n, pid: child.pid } })
      setInterval(() => {}, 1000)`)
    let pid = 0
    const reading = (async () => {
      for await (const { records } of source.list(stop.signal)) {
        pid = Number(records[0]?.fields.pid)
        stop.abort(new Error('told to stop'))
      }
    })()
    await expect(reading).rejects.toThrow('told to stop')
    await vi.waitFor(() => expect(stateOf(pid)).toMatch(/^Z?$/), { timeout: 10_000 })
  })

  it('with options that are wrong is refused with its mend', () => {
    expect(() => singer({ command: [] as never, stream: 's' })).toThrow(
      /singer\.command: must be a list of texts/,
    )
    expect(() => singer({ command: ['t'], stream: '' })).toThrow(/singer\.stream/)
  })
})

/** Nothing for a process that is gone; `Z…` for one that has ended and that nobody has asked about. */
function stateOf(pid: number): string {
  return spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' })
    .stdout.trim()
    .slice(0, 1)
}

async function leftBehind(): Promise<readonly string[]> {
  return (await readdir(tmpdir())).filter((name) => name.startsWith('syncproof-tap-'))
}
