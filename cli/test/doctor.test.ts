import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { migrateStore, openStore } from '@syncproof/store'
import { Redis } from 'ioredis'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startPostgres, startRedis, type ThrowawayServer } from '../../tools/testing/throwaway-servers.ts'
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
    const { code, stdout, stderr } = await cli(['doctor', '--json', ...words])
    const { checks } = JSON.parse(stdout) as { readonly checks: readonly Said[] }
    return { code, stderr, checks, bad: checks.filter(({ state }) => state !== 'ok').map(({ name }) => name) }
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
    const well = await cli(['doctor', ...database])
    expect([well.code, well.stderr]).toEqual([0, ''])
    expect(well.stdout.split('\n').filter((line) => line !== '' && !line.startsWith('ok '))).toEqual([])
    expect(well.stdout).toMatch(/^ok {7}partitions {5}9 days, /m)
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

  it('looks at a Redis whether it would throw jobs away', async () => {
    if (redis === undefined) return
    const client = new Redis(redis.url)
    const check = async () =>
      (await doctor('--database', server.url, '--redis', redis?.url ?? '')).checks.find(
        ({ name }) => name === 'Redis',
      )
    expect(await check()).toMatchObject({ state: 'ok' })
    await client.config('SET', 'maxmemory-policy', 'allkeys-lru')
    expect(await check()).toMatchObject({ state: 'problem', what: expect.stringContaining('allkeys-lru') })
    await client.quit()
  })

  it('looks at an embedded database, too', async () => {
    const folder = await freshFolder()
    const { bad } = await doctor('--data', folder)
    expect(bad).toContain('migrations')
  })
})
