import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { hasPrometheus } from '../../dashboards/test/prometheus.ts'
import { makeBatch, makeEvent } from '../../services/collector/test/make-batch.ts'
import { redisUrl } from '../../tools/testing/servers.ts'
import { openStack, type Stack } from './as-processes.ts'
import { bytesOf, readCompose } from './compose-file.ts'

const isThere = hasPrometheus() && redisUrl() !== undefined
const WAIT = { timeout: 60_000, interval: 300 }

describe.runIf(isThere)(
  'what docker-compose.yml starts, as plain processes that may write nothing else',
  () => {
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
        WAIT,
      )
    const api = () => `http://127.0.0.1:${stack.addresses.portOf('collector:4319')}`
    const bearer = (key: string) => ({ authorization: `Bearer ${key}` })
    const get = async <T>(path: string): Promise<T> => {
      const reply = await fetch(api() + path, { headers: bearer(stack.secret('api_key')) })
      expect([path, reply.status]).toEqual([path, 200])
      return (await reply.json()) as T
    }
    const send = (key: string) =>
      fetch(`${api()}/v1/events`, {
        method: 'POST',
        headers: { ...bearer(key), 'content-type': 'application/json' },
        body: JSON.stringify(makeBatch([makeEvent()])),
      })

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

    it('takes events with the key of the secret file, and with no other', async () => {
      const reply = await send(stack.secret('api_key'))
      expect([reply.status, await reply.json()]).toEqual([202, { accepted: 1, duplicates: 0, rejected: [] }])
      expect((await send(stack.secret('fingerprint_key'))).status).toBe(401)
    })

    it('finds what the example does wrong, compares its two systems, and is scraped', async () => {
      stack.start('example')
      await well('example')
      type List = {
        readonly items: readonly { readonly last_report: { readonly result: string } | null }[]
      }
      await vi.waitFor(
        async () => expect((await get<List>('/v1/findings?kind=lost-update')).items).not.toEqual([]),
        WAIT,
      )
      // not unknown: the login that may only read can read all of it
      await vi.waitFor(
        async () =>
          expect((await get<List>('/v1/pairs')).items[0]?.last_report?.result).toMatch(/^(clean|diverged)$/),
        { ...WAIT, timeout: 90_000 },
      )
      const query = `http://127.0.0.1:${stack.addresses.portOf('prometheus:9090')}/api/v1/query?query=`
      await vi.waitFor(async () => {
        const reply = await fetch(`${query}${encodeURIComponent('up == 1')}`)
        const { data } = (await reply.json()) as { data: { result: { metric: { job: string } }[] } }
        expect(data.result.map(({ metric }) => metric.job).sort()).toEqual([
          'alertmanager',
          'syncproof',
          'syncproof',
        ])
      }, WAIT)
    }, 300_000)

    it('has had less than half of the memory that it is given', () => {
      const { services } = readCompose()
      for (const name of ['redis', 'collector', 'reconciler', 'prometheus', 'alertmanager']) {
        const most = stack.memoryBytes(name)
        const limit = bytesOf(services[name]?.deploy?.resources?.limits?.memory ?? '')
        if (most !== undefined) expect([name, most, most < limit / 2]).toEqual([name, most, true])
      }
    })

    it.each([
      ['with deploy/config/, as it is to begin with', '/app/config/syncproof.config.ts', /1 pair/],
      ['without a configuration, as .env.example leaves it', '', /no pairs/i],
    ])(
      'also judges %s',
      async (_, config, says) => {
        await stack.stop('reconciler')
        vi.stubEnv('SYNCPROOF_CONFIG', config)
        stack.start('reconciler')
        await vi.waitFor(() => expect(stack.said('reconciler')).toMatch(says), WAIT)
        await well('reconciler')
      },
      120_000,
    )

    it('is not well any more when it has ended, and the collector when its database has', async () => {
      for (const name of ['reconciler', 'prometheus', 'alertmanager', 'example', 'redis']) {
        await stack.stop(name)
        expect([name, stack.health(name)]).not.toEqual([name, 0])
      }
      await stack.stop('postgres')
      expect(stack.health('postgres')).not.toBe(0)
      await vi.waitFor(() => expect(stack.health('collector')).not.toBe(0), WAIT)
      await stack.stop('collector')
      expect(stack.said('collector')).toContain('Stopped.')
    }, 120_000)
  },
)
