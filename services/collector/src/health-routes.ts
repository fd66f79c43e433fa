import { type Store, StoreNotMigratedError } from '@syncproof/store'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { unavailable } from './http/problems.ts'
import { collectorLimits } from './limits.ts'
import { problems } from './schemas/problem.ts'

const okSchema = z.object({ status: z.literal('ok') })
const tags = ['health']

/** Probes, without a key: `/livez` asks nothing of anyone, `/readyz` the database. */
export const healthRoutes: FastifyPluginAsyncZod<{ readonly store: Store }> = async (app, { store }) => {
  app.route({
    method: 'GET',
    url: '/livez',
    schema: {
      summary: 'The process answers',
      tags,
      operationId: 'livez',
      response: { 200: okSchema, ...problems() },
    },
    handler: async () => ({ status: 'ok' as const }),
  })

  app.route({
    method: 'GET',
    url: '/readyz',
    schema: {
      summary: 'The database answers and is migrated',
      tags,
      operationId: 'readyz',
      response: { 200: okSchema, ...problems() },
    },
    async handler() {
      await requireReady(store)
      return { status: 'ok' as const }
    },
  })
}

async function requireReady(store: Store): Promise<void> {
  const { promise: timeout, resolve } = Promise.withResolvers<'timeout'>()
  const timer = setTimeout(() => resolve('timeout'), collectorLimits.readyTimeoutMs)
  try {
    const result = await Promise.race([store.ready(), timeout])
    if (result === 'timeout') {
      throw unavailable(`The database has not answered within ${collectorLimits.readyTimeoutMs} ms.`)
    }
  } catch (error) {
    // the driver's message names hosts and users; a probe without a key does not get to see them
    if (error instanceof StoreNotMigratedError) throw unavailable(`${error.message}.`, error)
    throw error
  } finally {
    clearTimeout(timer)
  }
}
