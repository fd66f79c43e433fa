import type { Client, PoolClient } from 'pg'

/** Longer than the collector keeps a sender waiting, and than a group takes on a slow disk. */
const ANSWER_MS_MAX = 60_000

/** Ends the connection where `run` does not: a network or a server that has gone without a word is noticed by TCP after a
 *  quarter of an hour, and so long everything in its lane would wait. What was under way then fails like any broken
 *  connection: nobody knows whether it was done. */
export async function withDeadline<T>(client: PoolClient, run: () => Promise<T>): Promise<T> {
  // pooled ones are whole clients; ended while a query is active they cut the socket
  const timer = setTimeout(() => void (client as unknown as Client).end(), ANSWER_MS_MAX)
  try {
    return await run()
  } finally {
    clearTimeout(timer)
  }
}
