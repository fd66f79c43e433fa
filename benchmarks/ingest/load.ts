import { setTimeout as delay } from 'node:timers/promises'
import type { Api } from '../shared/api.ts'
import type { Body } from './bodies.ts'

/** Sends all, so many at once, each as soon as one before it was answered.
 *  @returns seconds */
export async function sendAll(
  api: Api,
  bodies: readonly (string | Buffer)[],
  atOnce: number,
): Promise<number> {
  const waiting = [...bodies]
  const startMs = performance.now()
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (let body = waiting.shift(); body !== undefined; body = waiting.shift()) await api.post(body)
    }),
  )
  return (performance.now() - startMs) / 1_000
}

/** Sends at a steady rate, whether or not the ones before were answered: what is late for the sender is late.
 *  @returns milliseconds from when each was due to its acknowledgement */
export async function sendSteadily(
  api: Api,
  bodies: readonly Body[],
  eventsPerSecond: number,
): Promise<readonly number[]> {
  const startMs = performance.now()
  const tookMs: Promise<number>[] = []
  let events = 0
  for (const { gzip, events: more } of bodies) {
    const dueMs = startMs + (events / eventsPerSecond) * 1_000
    await delay(Math.max(0, dueMs - performance.now()))
    tookMs.push(api.post(gzip).then((ackedMs) => ackedMs - dueMs))
    events += more
  }
  return Promise.all(tookMs)
}
