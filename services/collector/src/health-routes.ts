import { type Store, StoreNotMigratedError } from '@syncproof/store'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { unavailable } from './http/problems.ts'
import { collectorLimits } from './limits.ts'
import { replicaState } from './replica/replica-state.ts'
import { problems } from './schemas/problem.ts'

const okSchema = z.object({ status: z.literal('ok') })
const readySchema = okSchema.extend({
  replica: z.enum(['ok', 'unavailable', 'not_migrated', 'other_database']).optional().meta({
    description: 'How the replica is that reports are read from, where there is one.',
  }),
})
const tags = ['health']

export interface HealthOptions {
  readonly store: Store
  readonly replica: Store | undefined
}

/** Probes, without a key: `/livez` asks nothing of anyone, `/readyz` the database, and the replica where there is one. */
export const healthRoutes: FastifyPluginAsyncZod<HealthOptions> = async (app, { store, replica }) => {
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
      description:
        'A replica that is away does not make it unready: events are taken in all the same, and a collector that is taken out for it would take in none.',
      tags,
      operationId: 'readyz',
      response: { 200: readySchema, ...problems() },
    },
    async handler() {
      const looking = replica && replicaState(store, replica)
      await requireReady(store)
      const state = await looking
      return { status: 'ok' as const, ...(state && { replica: state }) }
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
