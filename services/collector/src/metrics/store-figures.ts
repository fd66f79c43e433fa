import type { Store } from '@syncproof/store'
import { collectorLimits } from '../limits.ts'

export interface StoreFigures {
  readonly counts: Awaited<ReturnType<Store['counts']['read']>>
  readonly systems: Awaited<ReturnType<Store['counts']['systems']>>
  readonly oldestDivergences: Awaited<ReturnType<Store['counts']['oldestDivergences']>>
  readonly nearestMisses: Awaited<ReturnType<Store['counts']['nearestMisses']>>
  readonly releases: Awaited<ReturnType<Store['counts']['releases']>>
  readonly sections: Awaited<ReturnType<Store['sections']['counts']>>
  readonly inconsistent: Awaited<ReturnType<Store['processes']['inconsistent']>>
  readonly books: Awaited<ReturnType<Store['processes']['books']>>
  readonly heartbeats: Awaited<ReturnType<Store['heartbeats']['read']>>
}

export interface KnownFigures {
  /** The last ones; undefined where they have never been read: a 0 would be a counter that falls. */
  readonly figures: StoreFigures | undefined
  /** When they were read, milliseconds since 1970; 0 = never. */
  readonly readAtMs: number
  /** The database did not give newer ones when it was asked last. */
  readonly isStale: boolean
}

/** Reads the store's figures for a scrape. Resolves within `storeFiguresTimeoutMs` and never rejects: where the store
 *  is slow or away, with the last figures known. A read that is under way is shared, so that scrapes of a slow
 *  database do not pile up queries.
 *  @param clockMs a monotonic clock: a wall clock that jumps must not keep old figures alive */
export function createFiguresReader(
  store: Store,
  clockMs: () => number,
  nowMs: () => number,
): () => Promise<KnownFigures> {
  let known: KnownFigures = { figures: undefined, readAtMs: 0, isStale: true }
  let readClockMs = Number.NEGATIVE_INFINITY
  let reading: Promise<void> | undefined

  async function read(): Promise<void> {
    try {
      const figures = await readFigures(store)
      known = { figures, readAtMs: nowMs(), isStale: false }
      readClockMs = clockMs()
    } catch {
      // what is away shows in /readyz, and in the metric that says that the figures are stale
      known = { ...known, isStale: true }
    } finally {
      reading = undefined
    }
  }

  return async () => {
    if (clockMs() - readClockMs > collectorLimits.storeFiguresTtlMs) {
      reading ??= read()
      const isInTime = await withinMs(reading, collectorLimits.storeFiguresTimeoutMs)
      if (!isInTime) known = { ...known, isStale: true }
    }
    return known
  }
}

async function readFigures(store: Store): Promise<StoreFigures> {
  const { counts, sections, processes, heartbeats } = store
  const reads = {
    counts: counts.read(),
    systems: counts.systems(),
    oldestDivergences: counts.oldestDivergences(),
    nearestMisses: counts.nearestMisses(),
    releases: counts.releases(),
    sections: sections.counts(),
    inconsistent: processes.inconsistent(),
    books: processes.books(),
    heartbeats: heartbeats.read(),
  }
  await Promise.all(Object.values(reads))
  return {
    counts: await reads.counts,
    systems: await reads.systems,
    oldestDivergences: await reads.oldestDivergences,
    nearestMisses: await reads.nearestMisses,
    releases: await reads.releases,
    sections: await reads.sections,
    inconsistent: await reads.inconsistent,
    books: await reads.books,
    heartbeats: await reads.heartbeats,
  }
}

async function withinMs(promise: Promise<void>, timeoutMs: number): Promise<boolean> {
  const { promise: timeout, resolve } = Promise.withResolvers<boolean>()
  const timer = setTimeout(() => resolve(false), timeoutMs)
  try {
    return await Promise.race([promise.then(() => true), timeout])
  } finally {
    clearTimeout(timer)
  }
}
