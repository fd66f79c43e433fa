import { setTimeout as delay } from 'node:timers/promises'
import { createApp } from '../testing/sample-app.ts'

/** What senders have done so far. */
export interface Traffic {
  /** Of every batch that was answered 202. */
  readonly acknowledged: { readonly processId: string; readonly ids: readonly string[] }[]
  /** Answers that were no 202, by status; 0 where none came. */
  readonly refusals: ReadonlyMap<number, number>
  /** 503 and 429 that did not say when to come again. */
  readonly impatient: number
  /** Resolves once so many batches more are acknowledged. @throws where that takes too long */
  more(batches: number): Promise<void>
  /** The senders get their last batch acknowledged and end. */
  stop(): Promise<void>
}

export interface TrafficOptions {
  readonly url: string
  readonly key: string
  readonly senders: number
  readonly operationsPerBatch: number
}

const RETRY_MS = 25
const WAIT_MS_MAX = 120_000

/** Senders as an SDK is one: the same batch again until it is acknowledged, then the next. */
export function startTraffic({ url, key, senders, operationsPerBatch }: TrafficOptions): Traffic {
  const acknowledged: { processId: string; ids: readonly string[] }[] = []
  const refusals = new Map<number, number>()
  let impatient = 0
  let stopped = false

  async function deliver(body: string): Promise<void> {
    for (;;) {
      const answer = await post(url, key, body)
      if (answer.status === 202) return
      refusals.set(answer.status, (refusals.get(answer.status) ?? 0) + 1)
      if ([429, 503].includes(answer.status) && !answer.saysWhen) impatient += 1
      await delay(RETRY_MS)
    }
  }
  async function send(number: number): Promise<void> {
    const app = createApp(number)
    while (!stopped) {
      const { body, process, sent } = app.batch(operationsPerBatch)
      await deliver(body)
      acknowledged.push({ processId: process.id, ids: sent.map(({ id }) => id) })
    }
  }
  const all = Promise.all(Array.from({ length: senders }, (_, number) => send(number)))
  return {
    acknowledged,
    refusals,
    get impatient() {
      return impatient
    },
    async more(batches) {
      const target = acknowledged.length + batches
      const deadlineMs = Date.now() + WAIT_MS_MAX
      while (acknowledged.length < target) {
        if (Date.now() > deadlineMs)
          throw new Error(`only ${acknowledged.length} of ${target} batches are acknowledged after all`)
        await delay(5)
      }
    },
    async stop() {
      stopped = true
      await all
    },
  }
}

/** @returns status 0 where no answer came */
export async function post(
  url: string,
  key: string,
  body: string,
): Promise<{ readonly status: number; readonly saysWhen: boolean; readonly text: string }> {
  try {
    const answer = await fetch(`${url}/v1/events`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body,
    })
    const text = await answer.text()
    return { status: answer.status, saysWhen: Number(answer.headers.get('retry-after')) > 0, text }
  } catch {
    return { status: 0, saysWhen: false, text: '' }
  }
}
