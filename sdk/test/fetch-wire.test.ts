import { request } from 'node:http'
import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import * as undici from 'undici'
import { describe, expect, it } from 'vitest'
import { observeFetch } from '../src/external/observe-fetch.ts'
import { externalOperation } from './external-operation.ts'
import { json } from './http-system.ts'

const { syncproof, syncsOf, system, wire } = externalOperation()

type Fetch = typeof globalThis.fetch

const JSON_200 = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n'
const ignore = () => undefined
const put = (body: unknown, more: RequestInit = {}): RequestInit => ({
  method: 'PUT',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
  ...more,
})
/** Waits until a chunk has gone out by itself, then cuts the connection. */
const cutAfter = async (socket: Socket, text: string) => {
  await new Promise<void>((resolve) => socket.write(text, () => resolve()))
  await delay(20)
  socket.destroy()
}

describe.each<[string, Fetch]>([
  ['Node’s fetch', (...args) => globalThis.fetch(...args)],
  ['undici’s fetch', undici.fetch as unknown as Fetch],
])('of %s', (_name, plain) => {
  const ats = (options = {}) => observeFetch(plain, { system: 'ats', ...options })

  it.each([
    ['103', 422, 'rejected'],
    ['102', 422, 'rejected'],
    ['103', 200, 'ok'],
  ])('an informational %s is not the answer: %i after it is', async (before, status, outcome) => {
    const { url, heads } = await wire((socket) => {
      socket.write(`HTTP/1.1 ${before} Wait\r\nlink: </a>\r\n\r\nHTTP/1.1 ${before} Wait\r\n\r\n`)
      socket.write(`HTTP/1.1 ${status} So\r\ncontent-length: 2\r\n\r\n{}`)
    })
    const syncs = await syncsOf(() => ats()(url, put({ a: 1 })))
    expect(syncs).toMatchObject([{ outcome, status, attempt: 1 }])
    expect(heads).toHaveLength(1)
  })

  it.each([
    ['an informational answer', 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n'],
    ['a 100 that nobody asked for', 'HTTP/1.1 100 Continue\r\n\r\n'],
    ['a status line without its headers', 'HTTP/1.1 422 No\r\n'],
    ['half of the headers', 'HTTP/1.1 422 No\r\ncontent-type: application/json\r\n'],
  ])('%s alone, and then nothing, leaves the outcome unknown', async (_, text) => {
    const { url } = await wire((socket) => cutAfter(socket, text))
    const syncs = await syncsOf(() => ats()(url, put({ a: 1 })).catch(ignore))
    expect(syncs).toMatchObject([{ outcome: 'unknown' }])
    expect(syncs[0]?.status).toBeUndefined()
  })

  it.each([
    ['200, cut before its body', 'ok', 200, `${JSON_200}content-length: 9\r\n\r\n`],
    ['200, cut in a chunk', 'ok', 200, `${JSON_200}transfer-encoding: chunked\r\n\r\n9\r\n{"id`],
    ['422, cut in its body', 'rejected', 422, 'HTTP/1.1 422 No\r\ncontent-length: 9\r\n\r\n{"'],
  ])('a whole head is the answer, whatever becomes of the body: %s', async (_, outcome, status, text) => {
    const { url } = await wire((socket, count) => {
      // with the cut at once, and a while after
      if (count % 2 === 1) void cutAfter(socket, text)
      else socket.end(text)
    })
    const fetch = ats({ contract: { externalId: '$.id' } })
    const syncs = await syncsOf(async () => {
      for (let n = 0; n < 6; n += 1) {
        const response = await fetch(url, put({ n }))
        await expect(response.text()).rejects.toThrow()
      }
    })
    expect(syncs.map((sync) => [sync.outcome, sync.status, sync.external_id])).toEqual(
      Array(6).fill([outcome, status, undefined]),
    )
  })

  it('an answer that comes before the body was sent is the answer', async () => {
    const { url, heads } = await wire((socket) => {
      socket.write('HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n')
    })
    const { promise: answered, resolve: stop } = Promise.withResolvers<void>()
    const body = new ReadableStream({
      async pull(controller) {
        controller.enqueue(new Uint8Array(1_000))
        await answered
        controller.close()
      },
    })
    const syncs = await syncsOf(async () => {
      await ats()(url, { method: 'PUT', body, duplex: 'half' } as RequestInit)
      stop()
    })
    expect(syncs).toMatchObject([{ outcome: 'rejected', status: 413 }])
    expect(heads[0]).toMatch(/^PUT /)
  })

  it('an Expect header, which it refuses to send, is no proof of anything', async () => {
    const { url, heads } = await wire(ignore)
    const syncs = await syncsOf(() =>
      ats()(url, put({ a: 1 }, { headers: { expect: '100-continue' } })).catch(ignore),
    )
    expect(syncs).toMatchObject([{ outcome: 'unknown' }])
    expect(heads).toEqual([])
  })

  it('429 and 503 with Retry-After are unknown, and the retry after them is the next attempt', async () => {
    const answers = [429, 503, 200]
    const { url, received } = await system((_, response, count) =>
      json(response, answers[count - 1] ?? 500, {}, { 'retry-after': '0' }),
    )
    const syncs = await syncsOf(async () => {
      for (let status = 0; status !== 200; ) {
        const response = await ats()(`${url}/c1`, put({ name: 'Ada' }))
        status = response.status
        await delay(Number(response.headers.get('retry-after')) * 1000)
      }
    })
    expect(syncs.map(({ attempt, outcome, status }) => [attempt, outcome, status])).toEqual([
      [1, 'unknown', 429],
      [2, 'unknown', 503],
      [3, 'ok', 200],
    ])
    expect(received).toHaveLength(3)
  })

  it('a system whose 429 surely was not applied says so in its contract', async () => {
    const { url } = await system((_, response, count) =>
      json(response, count === 1 ? 429 : 422, {}, { 'retry-after': '0' }),
    )
    const syncs = await syncsOf(async () => {
      for (let n = 0; n < 2; n += 1)
        await ats({ contract: { rejected: [429] } })(`${url}/c1`, put({ name: 'Ada' }))
    })
    expect(syncs.map(({ attempt, outcome }) => [attempt, outcome])).toEqual([
      [1, 'rejected'],
      [2, 'rejected'],
    ])
  })

  it('redirects that keep the method are one attempt', async () => {
    const { url } = await system(({ path }, response) => {
      if (path === '/moved') response.writeHead(307, { location: '/again' }).end()
      else if (path === '/again') response.writeHead(308, { location: '/there' }).end()
      else json(response, 422, {})
    })
    const syncs = await syncsOf(() => ats()(`${url}/moved`, put({ a: 1 })))
    expect(syncs).toMatchObject([{ attempt: 1, outcome: 'rejected', status: 422 }])
  })
})

describe('what the client tries again by itself', () => {
  const answers = [503, 503, 200]
  async function retried(send: (fetch: () => Promise<unknown>) => unknown) {
    const { url, received } = await system((_, response, count) =>
      json(response, answers[count - 1] ?? 500, {}, { 'retry-after': '0' }),
    )
    const dispatcher = new undici.RetryAgent(new undici.Agent(), { minTimeout: 1 })
    const fetch = observeFetch(undici.fetch, { system: 'ats' })
    const syncs = await syncsOf(() => send(() => fetch(`${url}/c1`, { method: 'DELETE', dispatcher })))
    await dispatcher.close()
    expect(received).toHaveLength(3)
    return syncs
  }

  it('is counted as attempts', async () => {
    expect(await retried((fetch) => fetch())).toMatchObject([{ attempt: 3, outcome: 'ok', status: 200 }])
  })

  it('is counted by the mark around it', async () => {
    expect(await retried((fetch) => syncproof().sync('ats', {}, fetch))).toMatchObject([
      { attempt: 3, outcome: 'ok', status: 200 },
    ])
  })
})

/** A `fetch` on `node:http`, as several packages have it, that sends a body only when it is asked to. */
function expecting(url: string, { method, body }: { method: string; body: string }): Promise<Response> {
  return new Promise((resolve, reject) => {
    const headers = { expect: '100-continue', 'content-length': body.length }
    const sent = request(url, { method, headers }, (answer) => {
      answer.resume()
      resolve(new Response(null, { status: answer.statusCode ?? 0 }))
      if (!sent.writableEnded) sent.destroy()
    })
    sent.on('error', reject)
    sent.on('continue', () => sent.end(body))
    sent.flushHeaders()
  })
}

it.each([
  ['417', 'rejected', ''],
  ['401', 'rejected', ''],
  ['503', 'unknown', ''],
  ['200', 'ok', 'HTTP/1.1 100 Continue\r\n\r\n'],
  ['422', 'rejected', 'HTTP/1.1 100 Continue\r\n\r\n'],
])(
  'what is answered to Expect: 100-continue is judged by the final status: %s, %s',
  async (status, outcome, before) => {
    const { url, heads } = await wire((socket) => {
      socket.write(`${before}HTTP/1.1 ${status} So\r\ncontent-length: 0\r\n\r\n`)
    })
    const fetch = observeFetch(expecting, { system: 'ats' })
    const syncs = await syncsOf(() => fetch(url, { method: 'PUT', body: '{"a":1}' }))
    expect(syncs).toMatchObject([{ outcome, status: Number(status) }])
    expect(heads[0]).toContain('expect: 100-continue')
  },
)
