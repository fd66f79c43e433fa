import { Counter, Gauge, Registry } from 'prom-client'
import { afterEach, describe, expect, it } from 'vitest'
import { type MetricsServer, startMetricsServer } from './metrics-server.ts'

describe('metrics server', () => {
  const started: MetricsServer[] = []
  const start = async (registry: Registry, collectMsMax?: number) => {
    const server = await startMetricsServer({
      registry,
      port: 0,
      ...(collectMsMax === undefined ? {} : { collectMsMax }),
    })
    started.push(server)
    return server
  }
  afterEach(async () => {
    for (const server of started.splice(0)) await server.close()
  })

  it('serves the figures on this machine only, in the format that Prometheus reads', async () => {
    const registry = new Registry()
    new Counter({ name: 'syncproof_events_total', help: 'Events.', registers: [registry] }).inc(3)
    const { url } = await start(registry)
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/metrics$/)
    const reply = await fetch(url)
    expect(reply.headers.get('content-type')).toContain('text/plain; version=0.0.4')
    expect(await reply.text()).toContain('syncproof_events_total 3')
  })

  it('answers 404 elsewhere and 405 to what would change something', async () => {
    const { url } = await start(new Registry())
    expect((await fetch(new URL('/', url))).status).toBe(404)
    expect((await fetch(url, { method: 'POST', body: '{}' })).status).toBe(405)
  })

  it('answers 503 in bounded time when figures cannot be collected, and collects once for scrapes at once', async () => {
    const registry = new Registry()
    const never = Promise.withResolvers<void>()
    let collections = 0
    new Gauge({
      name: 'syncproof_slow',
      help: 'Hangs.',
      registers: [registry],
      collect: () => {
        collections++
        return never.promise
      },
    })
    const { url } = await start(registry, 50)
    const replies = await Promise.all([fetch(url), fetch(url)])
    expect(replies.map((reply) => reply.status)).toEqual([503, 503])
    expect(await replies[0].text()).toContain('it took longer than 50 ms')
    expect(collections).toBe(1)
    never.resolve()
  })

  it('says so when the port is taken', async () => {
    const { url } = await start(new Registry())
    const port = Number(new URL(url).port)
    await expect(startMetricsServer({ registry: new Registry(), port })).rejects.toMatchObject({
      code: 'EADDRINUSE',
    })
  })
})
