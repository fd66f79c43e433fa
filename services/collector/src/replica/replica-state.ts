import { type Store, StoreNotMigratedError } from '@syncproof/store'
import { collectorLimits } from '../limits.ts'

/** `unavailable`: it does not answer. `not_migrated`: it answers and has an older schema: it is behind a migration, or was made
 *  before one. `other_database`: it is no replica of the database that events go to. */
export type ReplicaState = 'ok' | 'unavailable' | 'not_migrated' | 'other_database'

/** How the replica is. Never rejects, and resolves within `readyTimeoutMs`. */
export async function replicaState(primary: Store, replica: Store): Promise<ReplicaState> {
  return await inTime(look(primary, replica), 'unavailable')
}

async function look(primary: Store, replica: Store): Promise<ReplicaState> {
  try {
    const [own, other] = await Promise.all([replica.wal.identity(), primary.wal.identity()])
    if (own !== undefined && other !== undefined && own !== other) return 'other_database'
    await replica.ready()
    return 'ok'
  } catch (error) {
    return error instanceof StoreNotMigratedError ? 'not_migrated' : 'unavailable'
  }
}

/** By how much the replica is behind: 0 where it has replayed everything that was durable on the primary when it was asked, else the
 *  age of the newest transaction that it has replayed, in seconds. Undefined where one of the two does not answer in time,
 *  or nothing was replayed since the replica started. Never rejects.
 *
 *  The collectors' heartbeat writes every few seconds, so that of a primary with nothing to do it is at most that too much. */
export async function replicaLagSeconds(primary: Store, replica: Store): Promise<number | undefined> {
  return await inTime(lag(primary, replica), undefined)
}

async function lag(primary: Store, replica: Store): Promise<number | undefined> {
  try {
    // in this order: what is written in between must not count
    const written = await primary.wal.position()
    const replayed = await replica.wal.position()
    // another primary, as behind a managed reader's address, has nothing to replay
    if (!replayed.isStandby || replayed.bytes >= written.bytes) return 0
    if (replayed.replayedMs === null) return undefined
    return Math.max(0, written.nowMs - replayed.replayedMs) / 1_000
  } catch {
    return undefined
  }
}

async function inTime<T>(work: Promise<T>, late: T): Promise<T> {
  const { promise: timeout, resolve } = Promise.withResolvers<T>()
  const timer = setTimeout(() => resolve(late), collectorLimits.readyTimeoutMs)
  try {
    return await Promise.race([work, timeout])
  } finally {
    clearTimeout(timer)
  }
}
