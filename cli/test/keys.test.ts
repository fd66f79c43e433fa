import { migrateStore, openStore, type Store } from '@syncproof/store'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type FreshDatabase, freshDatabase } from '../../tools/testing/servers.ts'
import { cli, freePort, startCli } from './support/cli.ts'
import { createReporter, post } from './support/telemetry.ts'

/** What a collector remembers of a key, and the time that a busy machine takes. */
const REVOKED_MS_MAX = 8_000

describe('syncproof keys', () => {
  let database: FreshDatabase
  let store: Store
  beforeAll(async () => {
    database = await freshDatabase()
    await migrateStore({ url: database.url })
    store = openStore({ url: database.url })
  })
  afterAll(async () => {
    await store.close()
    await database.drop()
  })

  const keys = (...words: string[]) =>
    cli(['keys', ...words], { env: { SYNCPROOF_DATABASE_URL: database.url } })

  it('make a key that opens a running collector for its scopes only, until it is revoked', async () => {
    const other = await keys('create', '--name', 'other', '--scope', 'read')
    const collector = startCli([
      'collector',
      '--database',
      database.url,
      '--port',
      '0',
      '--metrics-port',
      '0',
    ])
    const url = await collector.says(/API (http:\/\/\S+),/)
    const made = await keys('create', '--name', 'candidate-api', '--scope', 'ingest', '--json')
    expect(made.code).toBe(0)
    const { version, id, key, ...told } = JSON.parse(made.stdout)
    expect({ version, told }).toEqual({
      version: 1,
      told: { project: 'default', name: 'candidate-api', scopes: ['ingest'] },
    })
    const reporter = createReporter()
    const send = () => post(url, key, reporter.batch(reporter.operation('1', false)))
    expect((await send()).status).toBe(202)
    const findings = await cli(['findings'], { env: { SYNCPROOF_URL: url, SYNCPROOF_API_KEY: key } })
    expect(findings.code).toBe(2)
    expect(findings.stderr).toContain('scope read')
    // noted by the collector, which nobody waits for
    await vi.waitFor(
      async () =>
        expect(await store.keys.list()).toMatchObject([
          { id, last_used_at: expect.any(String) },
          { last_used_at: null },
        ]),
      { timeout: 20_000 },
    )

    const revoked = await keys('revoke', id)
    expect(revoked.code).toBe(0)
    expect(revoked.stdout).toMatch(/^candidate-api {2}ingest {2}revoked \d{4}-/)
    await vi.waitFor(
      async () => expect(await send()).toMatchObject({ status: 401, body: { code: 'revoked_key' } }),
      { timeout: REVOKED_MS_MAX, interval: 50 },
    )
    const reading = { SYNCPROOF_URL: url, SYNCPROOF_API_KEY: other.stdout.trim() }
    expect((await cli(['findings'], { env: reading })).code).toBe(0)
  })

  it('print the new key alone on stdout, so that a script can take it, and once only', async () => {
    const made = await keys(
      'create',
      '--name',
      'script',
      '--project',
      'team-b',
      '--scope',
      'read',
      '--scope',
      'admin',
    )
    expect(made.stdout).toMatch(/^sp_[\w-]{49}\n$/)
    expect(made.stderr).toMatch(
      /^Key [\w-]{36} of project team-b: read, admin\. It is shown this once only\.\n$/,
    )
    const { stdout } = await keys('list', '--project', 'team-b')
    expect(stdout).toMatch(
      /^script {2}read, admin {2}live\n {2}id [\w-]{36} {2}project team-b\n {2}created \d{4}\S+ \S+Z {2}never used\n\n$/,
    )
    expect(stdout).not.toContain(made.stdout.trim())
    const asJson = JSON.parse((await keys('list', '--project', 'team-b', '--json')).stdout)
    expect(asJson).toEqual({ version: 1, keys: await store.keys.list('team-b') })
  })

  it('say so when the last live key is gone; then a collector does not start, nor with that key in its environment', async () => {
    const made = await keys('create', '--name', 'last', '--scope', 'read')
    let said = ''
    for (const { id, revoked_at } of await store.keys.list()) {
      if (revoked_at === null) said = (await keys('revoke', id)).stderr
    }
    expect(said).toContain('No live key is left')
    const collector = ['collector', '--database', database.url, '--port', '0', '--metrics-port', '0']
    expect(await cli(collector)).toMatchObject({ code: 2, stderr: expect.stringContaining('holds no key') })
    const again = await cli(collector, { env: { SYNCPROOF_API_KEY: made.stdout.trim() } })
    expect(again).toMatchObject({ code: 2, stderr: expect.stringContaining('was revoked') })
    const cut = await cli(collector, { env: { SYNCPROOF_API_KEY: made.stdout.trim().slice(0, -1) } })
    expect(cut).toMatchObject({ code: 2, stderr: expect.stringContaining('cut short') })
  })

  it('exit 2, say what is wrong and change nothing for a wrong command line', async () => {
    const before = await store.keys.list()
    const wrong: [string[], string][] = [
      [['create', '--scope', 'read'], 'keys create needs --name.'],
      [['create', '--name', 'x'], 'keys create needs --scope: ingest, read or admin.'],
      [
        ['create', '--name', 'x', '--scope', 'write'],
        '--scope must be one of ingest, read, admin, not "write".',
      ],
      [
        ['create', '--name', 'x\u001b[2J', '--scope', 'read'],
        '--name must be at most 100 characters that can be shown.',
      ],
      [['create', '--name', 'x', '--scope', 'read', '--project', 'a b'], '--project must be 1 to 64 letters'],
      [['craete'], 'keys does not know "craete". Did you mean create?'],
      [[], 'keys needs create|list|revoke.'],
      [['revoke'], 'keys revoke needs ID.'],
      [['revoke', 'nobody'], 'There is no key of the id "nobody".'],
      [['list', 'nobody'], 'keys list takes no "nobody".'],
      [['list', '--scope', 'read'], '--scope is of a new key: keys list does not take it.'],
    ]
    for (const [words, message] of wrong) {
      const { code, stdout, stderr } = await keys(...words)
      expect({ words, code, stdout }).toEqual({ words, code: 2, stdout: '' })
      expect(stderr).toContain(message)
    }
    expect(await store.keys.list()).toEqual(before)
  })

  it('a key of another project than the one named is not revoked', async () => {
    const made = await keys('create', '--name', 'x', '--scope', 'read', '--json')
    const { id } = JSON.parse(made.stdout)
    expect((await keys('revoke', id, '--project', 'team-c')).stderr).toContain('in project team-c')
    expect(await store.keys.list()).toContainEqual(expect.objectContaining({ id, revoked_at: null }))
  })

  it('exit 3 where the database does not answer or is not migrated', async () => {
    const nowhere = `postgres://me:pa55word@127.0.0.1:${await freePort()}/app`
    const down = await cli(['keys', 'list', '--database', nowhere])
    expect(down).toMatchObject({ code: 3, stdout: '', stderr: expect.stringContaining('does not answer') })
    expect(down.stderr).not.toContain('pa55word')
    const empty = await freshDatabase()
    const old = await cli(['keys', 'list', '--database', empty.url])
    expect(old).toMatchObject({ code: 3, stderr: expect.stringContaining('syncproof migrate') })
    await empty.drop()
  })
})
