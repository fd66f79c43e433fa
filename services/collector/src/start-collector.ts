import type { FastifyInstance } from 'fastify'
import { buildCollector, type CollectorOptions } from './build-collector.ts'
import { collectorLimits } from './limits.ts'

export interface StartOptions extends CollectorOptions {
  /** Default: 127.0.0.1, reachable from this machine only. */
  readonly host?: string | undefined
  /** 0 for any free one. */
  readonly port: number
}

export interface RunningCollector {
  /** Such as `http://127.0.0.1:4319`. */
  readonly url: string
  readonly app: FastifyInstance
  /** Takes no new connection, answers what was accepted, and resolves; sockets that are still busy after
   *  `closeGraceMs` are cut. The store stays open. Safe to call twice. */
  close(): Promise<void>
}

/** Builds the collector and listens.
 *  @throws the system's error where the port cannot be had (`code` EADDRINUSE, EACCES) */
export async function startCollector(options: StartOptions): Promise<RunningCollector> {
  const app = await buildCollector(options)
  const url = await app.listen({ host: options.host ?? '127.0.0.1', port: options.port })
  let closing: Promise<void> | undefined
  return {
    url,
    app,
    close() {
      closing ??= closeGracefully(app)
      return closing
    },
  }
}

async function closeGracefully(app: FastifyInstance): Promise<void> {
  const timer = setTimeout(() => app.server.closeAllConnections(), collectorLimits.closeGraceMs)
  try {
    await app.close()
  } finally {
    clearTimeout(timer)
  }
}
