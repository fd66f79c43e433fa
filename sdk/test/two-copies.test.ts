import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, it, vi } from 'vitest'
import { observeFetch } from '../src/external/observe-fetch.ts'
import { createSyncproof } from '../src/index.ts'
import { recordingServer } from './recording-server.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

it('a retry that another copy of an adapter sees is doubted by the first try, where they share a key', async () => {
  let requests = 0
  const system = createServer((request, response) => {
    requests += 1
    if (requests === 1) response.destroy()
    else response.writeHead(422).end()
    request.resume()
  })
  await new Promise<void>((resolve) => system.listen(0, '127.0.0.1', resolve))
  const server = await recordingServer()
  const syncproof = createSyncproof({ service: 'test', url: server.url, fingerprintKey: 'k' })
  closing.push(
    () => system.close(),
    server.close,
    () => syncproof.shutdown(),
  )
  const baseUrl = `http://127.0.0.1:${(system.address() as AddressInfo).port}`
  vi.resetModules()
  const other = await import('../src/external/observe-fetch.ts')
  expect(other.observeFetch).not.toBe(observeFetch)
  for (const copy of [observeFetch, other.observeFetch]) {
    const fetch = copy({ system: 'crm', baseUrl })
    // other bytes each time: only the key tells that they are tries of one request
    const body = JSON.stringify({ n: requests })
    const push = () => fetch(baseUrl, { method: 'POST', headers: { 'idempotency-key': 'k1' }, body })
    const call = syncproof.wrap(push, { entity: () => ({ type: 'thing', id: 'a' }), name: 'push' })
    await call().catch(() => undefined)
  }
  await syncproof.flush()
  expect(server.ofKind('sync').map(({ outcome, attempt }) => [outcome, attempt])).toEqual([
    ['unknown', 1],
    ['unknown', 2],
  ])
})
