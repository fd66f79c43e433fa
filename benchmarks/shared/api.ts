import { Agent, request } from 'node:http'

/** The collector as the benchmark uses it, over kept connections. */
export interface Api {
  /** Resolves with the moment of the answer, in `performance.now()`. @param body bytes are gzip
   *  @throws for another answer than 202 */
  post(body: string | Buffer): Promise<number>
  /** One page of lost updates, the newest first. */
  lostUpdates(limit: number, cursor: string | null): Promise<Page>
}

interface Page {
  readonly items: readonly { readonly id: string }[]
  readonly next_cursor: string | null
}

export function openApi(url: string, key: string): Api {
  const agent = new Agent({ keepAlive: true })
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }

  function send(method: string, path: string, body?: string | Buffer) {
    const encoding = typeof body === 'object' ? { 'content-encoding': 'gzip' } : {}
    return new Promise<{ status: number; text: string; answeredMs: number }>((resolve, reject) => {
      const sent = request(
        new URL(path, url),
        { method, agent, headers: { ...headers, ...encoding } },
        (response) => {
          const answeredMs = performance.now()
          let text = ''
          response.setEncoding('utf8').on('data', (chunk: string) => {
            text += chunk
          })
          response.on('end', () => resolve({ status: response.statusCode ?? 0, text, answeredMs }))
        },
      )
      sent.on('error', reject)
      sent.end(body)
    })
  }

  return {
    async post(body) {
      const { status, text, answeredMs } = await send('POST', '/v1/events', body)
      const rejected = status === 202 ? (JSON.parse(text) as { rejected: unknown[] }).rejected : []
      if (status !== 202 || rejected.length > 0) throw new Error(`the collector answers ${status}: ${text}`)
      return answeredMs
    },
    async lostUpdates(limit, cursor) {
      const after = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`
      const { status, text } = await send('GET', `/v1/findings?kind=lost-update&limit=${limit}${after}`)
      if (status !== 200) throw new Error(`the collector answers ${status}: ${text}`)
      return JSON.parse(text) as Page
    },
  }
}
