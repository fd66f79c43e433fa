import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { freshDatabase } from '../../tools/testing/servers.ts'
import { cli, freshFolder, startCli } from './support/cli.ts'

const KEY = 'a-key-that-nobody-may-see'

/** Files as an orchestrator mounts them, by variable. */
async function mounted(secrets: Readonly<Record<string, string>>): Promise<Record<string, string>> {
  const folder = await freshFolder()
  const paths = Object.entries(secrets).map(async ([name, secret]) => {
    const path = join(folder, name.toLowerCase())
    await writeFile(path, secret, { mode: 0o400 })
    return [`${name}_FILE`, path] as const
  })
  return Object.fromEntries(await Promise.all(paths))
}

describe('secrets as files', () => {
  it('bring up services and commands without one in the environment, and stay out of what is said', async () => {
    const { url, drop } = await freshDatabase()
    onTestFinished(drop)
    const env = await mounted({
      SYNCPROOF_DATABASE_URL: `${url}\n`,
      SYNCPROOF_API_KEY: `${KEY}\n`,
      SYNCPROOF_FINGERPRINT_KEY: 'a-secret-for-fingerprints\n',
    })
    expect(await cli(['migrate'], { env })).toMatchObject({ code: 0 })
    const collector = startCli(['collector', '--port', '0', '--metrics-port', '0'], { env })
    const api = await collector.says(/^Collector: API (\S+),/m)
    const reconciler = startCli(['reconciler', '--metrics-port', '0'], { env })
    await reconciler.says(/^(Reconciler): /m)
    expect(reconciler.stderr()).not.toContain('SYNCPROOF_FINGERPRINT_KEY is not set')

    const address = await mounted({ SYNCPROOF_URL: `${api}\n` })
    const listed = await cli(['findings', '--json'], { env: { ...env, ...address } })
    expect(listed).toMatchObject({ code: 0 })
    for (const { stdout, stderr } of [collector, reconciler])
      expect(stdout() + stderr()).not.toMatch(/a-key|a-secret/)
  })

  it('are wrong by variable and path, exit 2, and what is in them is never shown', async () => {
    const env = await mounted({ SYNCPROOF_DATABASE_URL: KEY, SYNCPROOF_PORT: KEY })
    const cases: readonly (readonly [readonly string[], Readonly<Record<string, string>>, string])[] = [
      // the file of another secret
      [['migrate'], env, 'SYNCPROOF_DATABASE_URL_FILE must name a file with a URL such as postgres://host'],
      [
        ['dev', '--ephemeral'],
        { ...env, SYNCPROOF_DATABASE_URL_FILE: '' },
        'SYNCPROOF_PORT_FILE must name a file',
      ],
      [
        ['findings'],
        { SYNCPROOF_API_KEY_FILE: '/nowhere/key' },
        'SYNCPROOF_API_KEY_FILE names /nowhere/key, which cannot be read: ENOENT',
      ],
      [
        ['findings'],
        { SYNCPROOF_API_KEY: 'other', SYNCPROOF_API_KEY_FILE: String(env.SYNCPROOF_PORT_FILE) },
        'SYNCPROOF_API_KEY and SYNCPROOF_API_KEY_FILE are both set',
      ],
    ]
    for (const [words, given, why] of cases) {
      const { code, stdout, stderr } = await cli(words, { env: given })
      expect({ words, code, stdout }).toEqual({ words, code: 2, stdout: '' })
      expect(stderr.replaceAll(/\s+/g, ' ')).toContain(why)
      expect(stderr).not.toMatch(/a-key-that/)
    }
  })

  it('take nothing of a variable of others that ends like ours', async () => {
    const { code } = await cli(['version'], { env: { SSL_CERT_FILE: '/nowhere', PGPASSFILE: '/nowhere' } })
    expect(code).toBe(0)
  })
})
