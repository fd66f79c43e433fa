import { limits } from '../limits.ts'

/** One read for all metrics of a scrape, and for scrapes at the same time. What is read resolves within `scrapeReadMs`;
 *  undefined where it is slower, or fails: a scrape must not hang because something else does.
 *  What comes too late is not lost: scrapes that follow wait for the same read. */
export function shareRead<T>(read: () => Promise<T>): () => Promise<T | undefined> {
  let reading: Promise<T | undefined> | undefined
  return () => {
    reading ??= Promise.resolve()
      .then(read)
      .catch(() => undefined)
      .finally(() => {
        // the gauges of one scrape ask within the same turn
        setImmediate(() => {
          reading = undefined
        })
      })
    return within(reading)
  }
}

async function within<T>(reading: Promise<T | undefined>): Promise<T | undefined> {
  const late = Promise.withResolvers<undefined>()
  const timer = setTimeout(() => late.resolve(undefined), limits.scrapeReadMs)
  try {
    return await Promise.race([reading, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
