import { connect, createServer, type Socket } from 'node:net'
import pg from 'pg'
import { expect, it, vi } from 'vitest'
import { freshDatabase } from '../../tools/testing/servers.ts'
import { migrateStore, openStore, StoreUnavailableError } from '../src/index.ts'
import { newProcess, operation } from './make-events.ts'

it.each([
  ['nobody listens', 'postgres://postgres@127.0.0.1:1/postgres'],
  ['the host is not known', 'postgres://postgres@nowhere.invalid/postgres'],
])('says that the database is not available: %s', async (_, url) => {
  const store = openStore({ url })
  const failure = await store.ready().catch((error: unknown) => error)
  expect(failure).toBeInstanceOf(StoreUnavailableError)
  expect((failure as Error).cause).toBeInstanceOf(Error)
  await expect(migrateStore({ url })).rejects.toThrow(StoreUnavailableError)
  await store.close()
})

it('a database that is gone and comes back is used again, and nothing crashes in between', async () => {
  const { url, drop } = await freshDatabase()
  await migrateStore({ url })
  const store = openStore({ url, applicationName: 'victim' })
  await store.events.append('default', newProcess(), operation())
  const admin = new pg.Client({ connectionString: url })
  await admin.connect()
  const killed = store.detection.step(0, 100, async () => {
    await admin.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'victim'`,
    )
    return { findings: [], resolved: [] }
  })
  await expect(killed).rejects.toThrow(StoreUnavailableError)
  expect(await store.detection.lag()).toMatchObject({ events: 4 })
  await admin.end()
  await drop()
  await expect(store.ready()).rejects.toThrow(StoreUnavailableError)
  await store.close()
})

/** A way to a server that can swallow what goes over the connections that are open now, and not end them. */
async function swallowingProxy(url: string) {
  const open = new Set<Socket>()
  const swallowing = new Set<Socket>()
  let swallowed = 0
  const target = new URL(url)
  const proxy = createServer((client) => {
    const server = connect(Number(target.port), target.hostname)
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      open.add(from)
      from.on('error', () => to.destroy())
      from.on('close', () => to.destroy())
      from.on('data', (bytes) => {
        if (swallowing.has(from)) swallowed += bytes.length
        else to.write(bytes)
      })
    }
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  const address = proxy.address()
  const through = new URL(url)
  through.host = `127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
  return {
    url: through.href,
    swallow() {
      for (const socket of open) swallowing.add(socket)
    },
    swallowed: () => swallowed,
    close() {
      for (const socket of open) socket.destroy()
      proxy.close()
    },
  }
}

it.each([
  ['a group', operation],
  ['a heartbeat', () => []],
])('a network that swallows %s does not keep what comes after it waiting for ever', async (_, events) => {
  const { url, drop } = await freshDatabase()
  await migrateStore({ url })
  const proxy = await swallowingProxy(url)
  const store = openStore({ url: proxy.url })
  const process = newProcess()
  await store.events.append('default', process, operation())
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  try {
    proxy.swallow()
    const swallowed = store.events.append('default', process, events()).catch((error: unknown) => error)
    await vi.waitFor(() => expect(proxy.swallowed()).toBeGreaterThan(0))
    await vi.advanceTimersByTimeAsync(60_000)
    expect(await swallowed).toBeInstanceOf(StoreUnavailableError)
    expect(await store.events.append('default', process, operation())).toMatchObject({ accepted: 4 })
  } finally {
    vi.useRealTimers()
    await store.close()
    proxy.close()
    await drop()
  }
})
