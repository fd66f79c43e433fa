import type { Store } from '@syncproof/store'
import { collectorLimits } from '../limits.ts'

export interface StoreFigures {
  readonly findings: Awaited<ReturnType<Store['findings']['counts']>>
  readonly operations: Awaited<ReturnType<Store['operations']['counts']>>
  readonly sections: Awaited<ReturnType<Store['sections']['counts']>>
  readonly inconsistent: Awaited<ReturnType<Store['processes']['inconsistent']>>
  readonly books: Awaited<ReturnType<Store['processes']['books']>>
  /** When they were read, milliseconds since 1970; 0 = never. */
  readonly readAtMs: number
}

/** Reads the store's figures for a scrape. Resolves within `storeFiguresTimeoutMs` and never rejects: where the store
 *  is slow or away, with the last figures known. A read that is under way is shared, so that scrapes of a slow
 *  database do not pile up queries. */
export function createFiguresReader(store: Store, nowMs: () => number): () => Promise<StoreFigures> {
  const books = { unaccounted: 0, inFlight: 0, dropped: [] }
  let last: StoreFigures = {
    ...{ findings: [], operations: [], sections: [], inconsistent: [], books },
    readAtMs: 0,
  }
  let reading: Promise<void> | undefined

  async function read(): Promise<void> {
    try {
      const [findings, operations, sections, inconsistent, books] = await Promise.all([
        store.findings.counts(),
        store.operations.counts(),
        store.sections.counts(),
        store.processes.inconsistent(),
        store.processes.books(),
      ])
      last = { findings, operations, sections, inconsistent, books, readAtMs: nowMs() }
    } catch {
      // the age of the figures is a metric of its own, and the store's absence shows in /readyz
    } finally {
      reading = undefined
    }
  }

  return async () => {
    if (nowMs() - last.readAtMs > collectorLimits.storeFiguresTtlMs) {
      reading ??= read()
      await withinMs(reading, collectorLimits.storeFiguresTimeoutMs)
    }
    return last
  }
}

async function withinMs(promise: Promise<void>, timeoutMs: number): Promise<void> {
  const { promise: timeout, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, timeoutMs)
  try {
    await Promise.race([promise, timeout])
  } finally {
    clearTimeout(timer)
  }
}
