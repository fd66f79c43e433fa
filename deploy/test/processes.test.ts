import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { hasPrometheus } from '../../dashboards/test/prometheus.ts'
import { redisUrl } from '../../tools/testing/servers.ts'
import { openStack, type Stack } from './as-processes.ts'

const isThere = hasPrometheus() && redisUrl() !== undefined

describe.runIf(isThere)('what docker-compose.yml starts, as plain processes', () => {
  let stack: Stack
  beforeAll(async () => {
    // of .env.example
    vi.stubEnv('SYNCPROOF_CONFIG', '/app/examples/candidate-sync/syncproof.config.ts')
    stack = await openStack()
  }, 60_000)
  afterAll(() => stack?.close(), 60_000)

  const well = (name: string) =>
    vi.waitFor(
      () => expect([name, stack.health(name), stack.said(name)]).toEqual([name, 0, expect.anything()]),
      {
        timeout: 60_000,
        interval: 500,
      },
    )

  it('becomes well in the order of its dependencies, as logins with the least rights', async () => {
    await well('postgres')
    stack.start('redis')
    await well('redis')
    // before it is there nothing is well
    expect(stack.health('collector')).not.toBe(0)
    stack.run('migrate')
    // as an upgrade does
    stack.run('migrate')
    for (const name of ['collector', 'reconciler', 'alertmanager', 'prometheus']) stack.start(name)
    for (const name of ['collector', 'reconciler', 'alertmanager', 'prometheus']) await well(name)
  }, 180_000)

  it('takes events with the key of the secret, finds what the example does wrong, and is scraped', async () => {
    stack.start('example')
    await well('example')
    const url = `http://127.0.0.1:${stack.ports['collector:4319']}`
    const get = async <T>(path: string): Promise<T> => {
      const reply = await fetch(url + path, {
        headers: { authorization: `Bearer ${stack.secret('api_key')}` },
      })
      expect([path, reply.status]).toEqual([path, 200])
      return (await reply.json()) as T
    }
    type List = {
      readonly items: readonly { readonly kind: string; readonly last_report: { result: string } | null }[]
    }
    await vi.waitFor(
      async () => expect((await get<List>('/v1/findings?kind=lost-update')).items).not.toEqual([]),
      {
        timeout: 90_000,
        interval: 500,
      },
    )
    await vi.waitFor(
      async () =>
        expect((await get<List>('/v1/pairs')).items[0]?.last_report?.result).toMatch(
          /clean|diverged|unknown/,
        ),
      { timeout: 90_000, interval: 500 },
    )
    const query = `http://127.0.0.1:${stack.ports['prometheus:9090']}/api/v1/query?query=`
    await vi.waitFor(
      async () => {
        const reply = await fetch(`${query}${encodeURIComponent('up == 1')}`)
        const { data } = (await reply.json()) as { data: { result: { metric: { job: string } }[] } }
        expect(data.result.map(({ metric }) => metric.job).sort()).toEqual([
          'alertmanager',
          'syncproof',
          'syncproof',
        ])
      },
      { timeout: 60_000, interval: 500 },
    )
  }, 300_000)

  it('is not well any more when it has ended', async () => {
    for (const name of ['collector', 'reconciler', 'prometheus', 'alertmanager', 'example', 'redis']) {
      await stack.stop(name)
      expect([name, stack.health(name)]).not.toEqual([name, 0])
    }
  }, 120_000)
})
