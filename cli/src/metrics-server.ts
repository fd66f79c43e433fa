import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Registry } from 'prom-client'

/** Figures that are read from a store that hangs must not hang the scrape: Prometheus waits 10 s by default. */
const COLLECT_MS_MAX = 5_000
const REQUEST_MS_MAX = 5_000

export interface MetricsServer {
  /** `http://127.0.0.1:4320/metrics` */
  readonly url: string
  close(): Promise<void>
}

/** Serves a registry at `/metrics`, on a port of its own: figures are not for everyone who may send events.
 *  A scrape that takes longer than 5 s is answered 503. Scrapes at the same time share one collection.
 *  Rejects with the system's error (`EADDRINUSE` …) where the port cannot be had.
 *  @param options.port 0 takes a free one
 *  @param options.collectMsMax shorter than 5 s, for tests */
export async function startMetricsServer(options: {
  readonly registry: Registry
  readonly port: number
  readonly host?: string
  readonly collectMsMax?: number
}): Promise<MetricsServer> {
  const { registry, port, host = '127.0.0.1', collectMsMax = COLLECT_MS_MAX } = options
  let collecting: Promise<string> | undefined
  const collect = () => {
    collecting ??= registry.metrics().finally(() => {
      collecting = undefined
    })
    return collecting
  }
  const server = createServer(
    { requestTimeout: REQUEST_MS_MAX, headersTimeout: REQUEST_MS_MAX },
    (request, reply) => {
      const path = request.url?.split('?', 1)[0]
      if (path !== '/metrics') return answer(reply, 404, 'The figures are at /metrics.\n')
      if (request.method !== 'GET' && request.method !== 'HEAD') return answer(reply, 405, 'Only GET.\n')
      within(collect(), collectMsMax).then(
        (text) => answer(reply, 200, text, registry.contentType),
        (error: unknown) => answer(reply, 503, `The figures could not be collected: ${messageOf(error)}\n`),
      )
    },
  )
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  const { port: bound } = server.address() as AddressInfo
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}/metrics`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function answer(
  reply: ServerResponse,
  status: number,
  text: string,
  type = 'text/plain; charset=utf-8',
): void {
  reply.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(text)
}

async function within<T>(work: Promise<T>, ms: number): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error(`it took longer than ${ms} ms`)), ms)
  try {
    return await Promise.race([work, late.promise])
  } finally {
    clearTimeout(timer)
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
