import type { Store } from '@syncproof/store'
import type { FastifyInstance } from 'fastify'
import { collectorLimits } from './limits.ts'

/** Begins a heartbeat every few seconds while the collector takes events. */
export function beatWhileListening(app: FastifyInstance, store: Store): void {
  let timer: NodeJS.Timeout | undefined
  let beating: Promise<void> | undefined
  const beat = () => {
    // a store that is away shows by the heartbeat that stays away
    beating ??= store.heartbeats
      .beat()
      .catch(() => {})
      .finally(() => {
        beating = undefined
      })
  }
  app.addHook('onListen', async () => {
    beat()
    timer = setInterval(beat, collectorLimits.heartbeatEveryMs)
  })
  app.addHook('onClose', async () => {
    clearInterval(timer)
    await beating
  })
}
