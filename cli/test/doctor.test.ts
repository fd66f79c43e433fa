import { chown, mkdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { checkRedis } from '@syncproof/reconciler'
import { connectionWay, migrateStore, openStore } from '@syncproof/store'
import { openPglite } from '@syncproof/store/pglite'
import { Redis } from 'ioredis'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { startPostgres, startRedis, type ThrowawayServer } from '../../tools/testing/throwaway-servers.ts'
import { redisChecks } from '../src/doctor/redis-checks.ts'
import { databaseTlsChecks } from '../src/doctor/tls-checks.ts'
import { makeAuthority } from './support/certificates.ts'
import { cli, freePort, freshFolder } from './support/cli.ts'
import { createReporter } from './support/telemetry.ts'

interface Said {
  readonly name: string
  readonly state: string
  readonly what: string
  readonly mend?: string
}

describe('syncproof doctor', () => {
  let server: ThrowawayServer
  let redis: ThrowawayServer | undefined
  beforeAll(async () => {
    server = await startPostgres(undefined, { fsync: 'on', full_page_writes: 'on' })
    redis = await startRedis()
  })
  afterAll(async () => {
    await server.stop()
    await redis?.stop()
  })

  const doctor = async (...words: string[]) => {
    const { code, stdout, stderr } = await cli(['doctor', '--json', '--no-round-trip', ...words])
    const { checks } = JSON.parse(stdout) as { readonly checks: readonly Said[] }
    const bad = checks.filter(({ state }) => state !== 'pass')
    for (const { name, mend } of bad) expect({ name, mend }).toEqual({ name, mend: expect.any(String) })
    return { code, stderr, checks, bad: bad.map(({ name }) => name) }
  }

  it('finds what is wrong, says how to mend it, and is content when it is mended', async () => {
    const { url } = server
    const database = ['--database', url]
    const first = await doctor(...database)
    expect([first.code, first.bad]).toEqual([1, ['migrations']])
    expect(first.checks.find(({ name }) => name === 'migrations')?.mend).toContain('syncproof migrate')
    await migrateStore({ url })
    const migrated = await doctor(...database)
    expect([migrated.code, migrated.bad]).toEqual([1, ['retention', 'keys', 'apps']])
    const store = openStore({ url })
    await store.keys.create('default', 'app', ['ingest'])
    const reporter = createReporter()
    const { process, events } = reporter.batch(reporter.operation('1', false))
    await store.events.append('default', process, events)
    await store.retention.expire({ signal: new AbortController().signal })
    const well = await cli(['doctor', '--no-round-trip', ...database])
    const left =
      'round trip (--no-round-trip), collector (--url is not given), alerts (there is no configuration)'
    expect([well.code, well.stderr]).toEqual([0, `Not looked at: ${left}.\n`])
    expect(well.stdout.split('\n').filter((line) => line !== '' && !line.startsWith('pass '))).toEqual([])
    expect(well.stdout).toMatch(/^pass {2}partitions {5}9 days, /m)
    await store.close()
    // and when it is broken again
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    const inDays = (n: number) =>
      new Date(Date.now() + n * 86_400_000).toISOString().slice(0, 10).replaceAll('-', '')
    await client.query(`drop table syncproof.events_${inDays(2)}`)
    await client.query(`create table syncproof.stray partition of syncproof.events default`)
    await client.query(`alter database postgres set synchronous_commit = off`)
    await client.end()
    const folder = await freshFolder()
    await writeFile(
      join(folder, 'syncproof.config.ts'),
      `const open = () => {}
      export default {
        pairs: { candidate: { source: { open }, target: { open } } },
        retention: { events: '10d' },
      }`,
    )
    const broken = await doctor(...database, '--config', join(folder, 'syncproof.config.ts'))
    expect([broken.code, broken.bad]).toEqual([
      1,
      ['durability', 'partitions', 'partitions', 'configuration'],
    ])
  })

  it('exits 3 where it could not look', async () => {
    const port = await freePort()
    const away = await doctor('--database', `postgres://u:pa55word@127.0.0.1:${port}/db`)
    expect([away.code, away.bad]).toEqual([3, ['database']])
    expect(JSON.stringify(away.checks)).not.toContain('pa55word')
    const noRedis = await doctor('--database', server.url, '--redis', `redis://127.0.0.1:${port}`)
    expect([noRedis.code, noRedis.bad.includes('Redis')]).toEqual([3, true])
    expect((await cli(['doctor'])).code).toBe(2)
  })

  it('looks at a Redis whether it keeps the jobs that it is given', async () => {
    if (redis === undefined) return
    const { url } = redis
    const client = new Redis(url)
    const check = async () => {
      const facts = await checkRedis(url)
      if ('refused' in facts) throw new Error(facts.refused)
      return redisChecks(facts).map(({ state, what }) => `${state} ${what}`)
    }
    expect(await check()).toEqual([expect.stringMatching(/^warn appendonly is off/)])
    await client.config('SET', 'appendonly', 'yes')
    await vi.waitUntil(async () => /aof_rewrite_in_progress:0/.test(await client.info('persistence')), 20_000)
    const kept = expect.stringMatching(/^pass Redis \S+, noeviction, appendonly is on/)
    expect(await check()).toEqual([kept])
    // a snapshot that cannot be written
    const [, folder = ''] = (await client.config('GET', 'dir')) as string[]
    await mkdir(join(folder, 'dump.rdb'))
    await client.bgsave()
    await vi.waitUntil(
      async () => /rdb_last_bgsave_status:err/.test(await client.info('persistence')),
      20_000,
    )
    await client.config('SET', 'maxmemory-policy', 'allkeys-lru')
    expect(await check()).toEqual([
      expect.stringMatching(/^fail maxmemory-policy is allkeys-lru/),
      expect.stringMatching(/^fail Its last snapshot failed/),
    ])
    // what a login may not ask is no fault of Redis
    await client.call('ACL', 'SETUSER', 'looker', 'on', '>pa55word', '~*', '+@all', '-info')
    const { code, checks } = await doctor(
      ...['--database', server.url, '--redis', url.replace('redis://', 'redis://looker:pa55word@')],
    )
    expect({ code, lines: checks.filter(({ what }) => /Redis|INFO/.test(what)) }).toMatchObject({
      code: 3,
      lines: [
        { state: 'warn', what: expect.stringMatching(/^It answers, and this login may not ask .*\(INFO\)/) },
        { state: 'pass', what: 'Redis: not encrypted, and on this machine.' },
      ],
    })
    await client.quit()
  })

  it('says how the database is talked to', async () => {
    const tls = async (url: string) => {
      const store = openStore({ url })
      const { connection } = await store.health.server()
      await store.close()
      return databaseTlsChecks(connectionWay(url), connection).map(({ state, what }) => `${state} ${what}`)
    }
    expect(await tls(server.url)).toEqual(['pass The database: not encrypted, and on this machine.'])
    const { key, cert } = (await makeAuthority()).issue('IP:127.0.0.1', 30)
    const client = new pg.Client({ connectionString: server.url })
    await client.connect()
    const { rows } = await client.query<{ data: string }>('select current_setting($1) as data', [
      'data_directory',
    ])
    const data = rows[0]?.data ?? ''
    const { uid, gid } = await stat(data)
    for (const [name, content] of [
      ['server.key', key],
      ['server.crt', cert],
    ] as const) {
      await writeFile(join(data, name), content, { mode: 0o600 })
      await chown(join(data, name), uid, gid)
    }
    await client.query('alter system set ssl = on')
    await client.query('select pg_reload_conf()')
    await client.end()
    const blind = `${server.url}?sslmode=no-verify`
    await vi.waitFor(async () => {
      const encrypted = new pg.Client({ connectionString: blind })
      await encrypted.connect()
      await encrypted.end()
    }, 20_000)
    expect(await tls(blind)).toEqual(['pass The database: encrypted (TLSv1.3), and on this machine.'])
  })

  it('looks at an embedded database, too', async () => {
    const folder = await freshFolder()
    const pool = await openPglite({ dir: folder })
    await migrateStore({ pool })
    await pool.end()
    const { code, stdout, stderr } = await cli(['doctor', '--data', folder])
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringContaining(
        'round trip (nobody judges an embedded database while it is looked at)',
      ),
    })
    expect(stdout).toMatch(/^pass {2}durability {5}Embedded: /m)
    // it is in the same process
    expect(stdout).not.toContain('TLS')
  })
})
