import { spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Finding } from '@syncproof/core/contract'
import { createSyncproof } from '@syncproof/sdk'
import { postgresTable } from '@syncproof/sdk/pg'
import pg from 'pg'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { realFindings } from '../../core/verification/testing/real-findings.ts'
import { freshDatabase } from '../../tools/testing/servers.ts'
import { startDev } from '../src/index.ts'
import { cli, freshFolder } from './support/cli.ts'

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url))
const all = Object.values(realFindings)
const lost = realFindings['lost-update, set back']
const hazard = { ...lost, verdict: 'hazard' }
const tampered = { ...lost, fields: ['name'] }

/** The real CLI with something on stdin. */
async function verifyInput(input: string, ...words: string[]) {
  const child = spawn(process.execPath, [MAIN, 'verify', '-', ...words])
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk
  })
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk
  })
  // who does not read to the end is told apart by its exit code
  child.stdin.on('error', () => undefined).end(input)
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  return { code, stdout, stderr }
}

const verify = (value: unknown, ...words: string[]) => verifyInput(JSON.stringify(value), ...words)

describe('syncproof verify', () => {
  it('exits 0 where every finding follows from its witness, and says which event proves it', async () => {
    const { code, stdout, stderr } = await verify(all)
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: `${all.length} findings: ${all.length} verified, 0 refuted, 0 not verifiable.\n`,
    })
    expect(stdout).toContain(`verified  lost-update  candidate c-17  ${lost?.id}`)
    expect(stdout).toContain(`Write ${lost?.witness.events[0]?.id} of candidate c-17 replaced version 2`)
    expect(stdout).toContain('On trust: that the books of process')
  })

  it('exits 1 where one does not, and names the rule that does not hold', async () => {
    const { code, stdout } = await verify([lost, tampered, hazard])
    expect(code).toBe(1)
    expect(stdout).toContain('refuted  lost-update')
    expect(stdout).toContain('Does not hold: The fields are those that follow from the events.')
  })

  it('exits 4 where some are not verifiable, also where none is', async () => {
    expect((await verify([lost, hazard])).code).toBe(4)
    const { code, stdout } = await verify(hazard)
    expect(code).toBe(4)
    expect(stdout).toContain('not verifiable  lost-update')
  })

  it('prints every rule as JSON, and what is taken on trust', async () => {
    const { code, stdout } = await verify([lost, tampered, hazard], '--json')
    const report = JSON.parse(stdout)
    expect(code).toBe(1)
    expect(report).toMatchObject({
      version: 1,
      counts: { verified: 1, refuted: 1, not_verifiable: 1 },
      findings: [
        { id: lost?.id, result: 'verified', proved_by: [lost?.witness.events[0]?.id] },
        { result: 'refuted', step: { must: expect.any(String), because: expect.any(String) } },
        { result: 'not_verifiable', why: expect.any(String) },
      ],
    })
    expect(report.findings[0].steps.length).toBeGreaterThan(10)
    expect(report.findings[0].on_trust).toHaveLength(1)
  })

  it('reads one finding, a list, one a line, and what the API and the commands print', async () => {
    const lines = all.map((finding) => JSON.stringify({ version: 1, type: 'finding', finding }))
    for (const input of [
      JSON.stringify(lost),
      `\ufeff${JSON.stringify(all, undefined, 2)}\n`,
      all.map((finding) => JSON.stringify(finding)).join('\r\n'),
      [JSON.stringify({ version: 1, type: 'started', url: 'http://127.0.0.1:1' }), ...lines].join('\n'),
      JSON.stringify({ items: all, next_cursor: null }),
      JSON.stringify({ version: 1, findings: [] }),
    ])
      expect((await verifyInput(input)).code).toBe(0)
    const { stderr } = await verify({ version: 1, findings: [lost], more: true })
    expect(stderr).toContain('holds not all')
  })

  it('reads a file, and needs nothing but that file', async () => {
    const folder = await freshFolder()
    await writeFile(join(folder, 'finding.json'), JSON.stringify(lost))
    expect((await cli(['verify', 'finding.json'], { folder })).code).toBe(0)
  })

  it('exits 3 and prints no data where the file cannot be read or holds no findings', async () => {
    const folder = await freshFolder()
    await writeFile(join(folder, 'text'), 'no JSON')
    for (const [file, why] of [
      ['missing.json', 'there is no such file'],
      ['.', 'it is a folder'],
      ['text', 'Line 1 of text is no JSON'],
    ] as const) {
      const { code, stdout, stderr } = await cli(['verify', file], { folder })
      expect({ file, code, stdout }).toEqual({ file, code: 3, stdout: '' })
      expect(stderr).toContain(why)
    }
    for (const input of ['', ' \n', '3', '{"version":1}', `${JSON.stringify(lost)}\n{"id":`])
      expect(await verifyInput(input)).toMatchObject({ code: 3, stdout: '' })
  })

  it('exits 2 without a file', async () => {
    expect((await cli(['verify'])).code).toBe(2)
  })

  it('obeys nothing that a finding says', async () => {
    const { stdout } = await verify({
      ...lost,
      entity: { type: 'candidate', id: '\u001b[2J' },
      id: '\u009b31m',
    })
    expect(stdout).toContain('\\u{1b}[2J')
    expect(stdout).not.toContain('\u001b')
  })
})

it('what real calls lost and split is verified from what the API tells of it, through a pipe', async () => {
  const [own, store] = await Promise.all([freshDatabase(), freshDatabase()])
  const dev = await startDev({ port: 0, metricsPort: 0, database: store.url })
  const pool = new pg.Pool({ connectionString: own.url })
  const syncproof = createSyncproof({ service: 'verify', url: dev.url, apiKey: dev.apiKey })
  onTestFinished(async () => {
    await syncproof.shutdown()
    await pool.end()
    await dev.close()
    await Promise.all([own.drop(), store.drop()])
  })
  await pool.query('create table candidates (id text primary key, name text, email text)')
  const candidates = postgresTable(pool, 'candidates', { key: 'id' })
  const refuse = () => Promise.reject(Object.assign(new Error('refused'), { status: 422 }))
  const change = syncproof.wrap(
    async function change(id: string, update: object) {
      const row = await syncproof.read('db', () => candidates.findUnique({ where: { id } }))
      await pool.query("update candidates set name = 'Zed' where id = 'c-1'")
      const merged = { ...row, ...update }
      await syncproof.write('db', merged, () => candidates.update({ where: { id }, data: merged }))
      await syncproof.sync('ats', merged, refuse)
    },
    { entity: (id) => ({ type: 'candidate', id }), syncs: ['ats'] },
  )
  await pool.query("insert into candidates values ('c-1', 'Ada', 'old@x')")
  await change('c-1', { email: 'new@x' }).catch(() => undefined)
  await syncproof.flush()

  const env = { SYNCPROOF_URL: dev.url, SYNCPROOF_API_KEY: dev.apiKey }
  const words = ['findings', '--verdict', 'proven', '--json']
  const found = await vi.waitFor(
    async () => {
      const { stdout } = await cli(words, { env })
      expect(JSON.parse(stdout).findings).toHaveLength(2)
      return stdout
    },
    { timeout: 30_000, interval: 100 },
  )
  const { findings } = JSON.parse(found) as { findings: Finding[] }
  expect(findings.map(({ kind }) => kind).sort()).toEqual(['lost-update', 'partial-write'])
  expect(await verifyInput(found)).toMatchObject({
    code: 0,
    stderr: '2 findings: 2 verified, 0 refuted, 0 not verifiable.\n',
  })
  // as one finding of GET /v1/findings/{id} too, and no longer once a value of it was touched
  const [first] = findings
  const reply = await fetch(`${dev.url}/v1/findings/${first?.id}`, {
    headers: { authorization: `Bearer ${dev.apiKey}` },
  })
  const one = await reply.text()
  expect((await verifyInput(one)).code).toBe(0)
  expect((await verifyInput(one.replaceAll('"outcome":"ok"', '"outcome":"unknown"'))).code).toBe(1)
})
