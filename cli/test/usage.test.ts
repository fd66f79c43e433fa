import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { freshDatabase } from '../../tools/testing/servers.ts'
import { cli, freePort, freshFolder, startCli } from './support/cli.ts'

const BIN = fileURLToPath(new URL('../bin/syncproof.mjs', import.meta.url))

/** Makes the Node that runs the launcher believe that it is an old one. */
const OLD_NODE = [
  '--import',
  `data:text/javascript,${encodeURIComponent(
    "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '18.20.0' } })",
  )}`,
]

describe('the command line', () => {
  it('prints help on stdout and exits 0', async () => {
    const { code, stdout, stderr } = await cli([])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    for (const command of [
      'dev',
      'collector',
      'reconcile PAIR',
      'explain TYPE ID',
      'sections',
      'verify FILE',
      'migrate',
    ]) {
      expect(stdout).toContain(`\n  ${command} `)
    }
    expect((await cli(['dev', '--help'])).stdout).toContain('--metrics-port PORT')
  })

  it('exits 2 for a wrong command line, says why on stderr, and prints no data', async () => {
    for (const words of [
      ['dve'],
      ['dev', '--prot', '1'],
      ['findings', '--limit', 'x'],
      ['reconcile'],
      ['sections', '--since', 'x'],
    ]) {
      const { code, stdout, stderr } = await cli(words)
      expect({ words, code, stdout }).toEqual({ words, code: 2, stdout: '' })
      expect(stderr).toMatch(/^syncproof: /)
    }
  })

  it('runs with the Node of the checkout when the one on PATH is too old, and passes the exit code on', async () => {
    const version = await cli(['version', '--json'], { program: [...OLD_NODE, BIN] })
    expect(JSON.parse(version.stdout)).toMatchObject({ version: 1, node: expect.stringMatching(/^v24\./) })
    expect((await cli(['dve'], { program: [...OLD_NODE, BIN] })).code).toBe(2)
    expect((await cli(['version'], { program: [BIN] })).code).toBe(0)
  })

  it('passes signals on to the Node of the checkout', async () => {
    const words = ['dev', '--ephemeral', '--port', '0', '--metrics-port', '0']
    const running = startCli(words, { program: [...OLD_NODE, BIN] })
    await running.says(/Syncproof is running/)
    expect(await running.kill('SIGTERM')).toEqual({ code: 0, signal: null })
    expect(running.stderr()).toContain('Stopped.')
  })
})

describe('a configuration that is wrong', () => {
  const dev = ['dev', '--ephemeral', '--port', '0', '--metrics-port', '0']
  const withConfig = async (text: string) => {
    const folder = await freshFolder()
    await writeFile(join(folder, 'syncproof.config.ts'), text)
    const { code, stderr } = await cli(dev, { folder })
    return { code, stderr }
  }

  it('exits 2 and names file and line where it is no TypeScript', async () => {
    const { code, stderr } = await withConfig('export default {\n  pairs: { : }\n}')
    expect(code).toBe(2)
    expect(stderr).toContain('syncproof: syncproof.config.ts:2 cannot be loaded: ')
  })

  it('names file, line and key where an option of a connector is wrong', async () => {
    const index = new URL('../src/index.ts', import.meta.url).href
    const { code, stderr } = await withConfig(
      `import { postgres } from '${index}'\nexport default {\n  pairs: { c: { source: postgres({ url: 'notaurl', table: 't', key: 'id' }) } },\n}`,
    )
    expect(code).toBe(2)
    expect(stderr).toContain('syncproof.config.ts:3: postgres.url: must begin with postgres://')
  })

  it('says how to mend a file that throws, or that imports what is not there', async () => {
    const throwing = await withConfig(`throw new Error('no region')`)
    expect(throwing.code).toBe(2)
    expect(throwing.stderr).toContain('syncproof.config.ts:1 cannot be loaded: no region')
    expect(throwing.stderr).toContain('mend it there')
    const missing = await withConfig(`import 'no-such-package-of-ours'`)
    expect(missing.code).toBe(2)
    expect(missing.stderr).toContain('npm install')
  })

  it('exits 2 and names file and key where a pair is wrong', async () => {
    const { code, stderr } = await withConfig('export default { pairs: { candidate: { every: "15m" } } }')
    expect(code).toBe(2)
    expect(stderr).toContain('syncproof.config.ts')
    expect(stderr).toContain('pairs.candidate')
  })

  it('exits 2 and says what is missing where there is no default export, or no such file', async () => {
    const empty = await withConfig('export const pairs = {}')
    expect(empty.code).toBe(2)
    expect(empty.stderr).toContain('syncproof.config.ts has no default export')
    const missing = await cli([...dev, '--config', 'other.ts'])
    expect(missing.code).toBe(2)
    expect(missing.stderr).toContain('There is no other.ts')
    // as it was given, never as seen from another folder
    expect((await cli([...dev, '--config', '/nope.ts'])).stderr).toContain('There is no /nope.ts')
  })
})

describe('what is needed and not there', () => {
  it('exits 3 within seconds and says how to mend it where the database is down', async () => {
    const database = `postgres://me:pa55word@127.0.0.1:${await freePort()}/app`
    for (const command of ['dev', 'collector', 'reconciler', 'migrate']) {
      const startMs = performance.now()
      const { code, stdout, stderr } = await cli([command, '--database', database])
      expect({ command, code, stdout }).toEqual({ command, code: 3, stdout: '' })
      expect(stderr).toContain('does not answer: connect ECONNREFUSED')
      expect(stderr).toContain('Start it, or name another with --database.')
      expect(stderr).not.toContain('pa55word')
      expect(performance.now() - startMs).toBeLessThan(15_000)
    }
  })

  it('exits 3 where Redis is down', async () => {
    const redis = `redis://127.0.0.1:${await freePort()}`
    const { code, stderr } = await cli(['dev', '--ephemeral', '--redis', redis])
    expect(code).toBe(3)
    expect(stderr).toContain(`Redis at ${redis} does not answer`)
  })

  it('exits 3 and names `syncproof migrate` where the database is not migrated; migrating mends it', async () => {
    const { url, drop } = await freshDatabase()
    try {
      for (const command of ['collector', 'reconciler']) {
        const { code, stderr } = await cli([command, '--database', url, '--metrics-port', '0'])
        expect({ command, code }).toEqual({ command, code: 3 })
        expect(stderr).toContain('Run `syncproof migrate`')
      }
      const first = await cli(['migrate', '--json'], { env: { SYNCPROOF_DATABASE_URL: url } })
      expect(first.code).toBe(0)
      expect(JSON.parse(first.stdout).applied.length).toBeGreaterThan(0)
      const again = await cli(['migrate', '--json', '--database', url])
      expect(JSON.parse(again.stdout)).toEqual({ version: 1, applied: [] })
    } finally {
      await drop()
    }
  })

  it('exits 2 where a collector would have no key at all, and says how one is given', async () => {
    const { url, drop } = await freshDatabase()
    const words = ['--database', url, '--port', '0', '--metrics-port', '0']
    try {
      await cli(['migrate', '--database', url])
      const { code, stdout, stderr } = await cli(['collector', ...words])
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
      expect(stderr).toContain('Set SYNCPROOF_API_KEY')
      const given = startCli(['collector', ...words], { env: { SYNCPROOF_API_KEY: 'k' } })
      await given.says(/Collector: API/)
      await given.kill('SIGTERM')
      // the database knows one now
      await startCli(['collector', ...words]).says(/Collector: API/)
    } finally {
      await drop()
    }
    expect((await cli(['help', 'collector'])).stdout).toContain('SYNCPROOF_API_KEY')
    expect((await cli(['help', 'reconciler'])).stdout).toContain('SYNCPROOF_FINGERPRINT_KEY')
  })

  it('exits 2 where a command needs a database or a key and has none', async () => {
    expect((await cli(['collector'])).stderr).toContain('SYNCPROOF_DATABASE_URL')
    const { code, stderr } = await cli(['findings'], { env: { SYNCPROOF_API_KEY: '' } })
    expect(code).toBe(2)
    expect(stderr).toContain('SYNCPROOF_API_KEY is not set')
  })

  it('exits 3 where the API does not answer: not compared is never clean', async () => {
    const env = { SYNCPROOF_API_KEY: 'k', SYNCPROOF_URL: `http://127.0.0.1:${await freePort()}` }
    for (const words of [
      ['findings'],
      ['reconcile', 'candidate'],
      ['explain', 'candidate', '1'],
      ['sections'],
    ]) {
      const { code, stdout, stderr } = await cli(words, { env })
      expect({ words, code, stdout }).toEqual({ words, code: 3, stdout: '' })
      expect(stderr).toContain('Start it with `syncproof dev`')
    }
  })
})
