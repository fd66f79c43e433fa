import { finished } from 'node:stream/promises'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { EntityRef } from '@syncproof/core/contract'
import type { Pool, PoolClient } from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import { storeError } from '../errors.ts'
import { type Batch, laneOf } from './batch.ts'
import { COPY_EVENTS, copyText, entityOf } from './copy-text.ts'
import { withDeadline } from './deadline.ts'

/** A batch whose ids and sequence numbers are each there once. */
export interface NumberedBatch extends Batch {
  /** See `numbersOf`. */
  readonly seen: string
}

/** A lock or a disk that does not answer ends the transaction, and a collector that stops in the middle of one does not
 *  keep the lane from the others. */
const BEGIN = `begin; set local lock_timeout = '10s'; set local statement_timeout = '30s';
  set local idle_in_transaction_session_timeout = '10s'`

/** Stores batches of one lane, each of another process, in one transaction, which is durable when this resolves.
 *  @returns for each batch whether it was stored; if not, some of its numbers were there, and nothing of it was stored
 *  @throws where nothing was stored, or nobody knows: an id that is there already (SQLSTATE 23505), no partition for one
 *    (23514), StoreUnavailableError … */
export async function copyGroup(pool: Pool, batches: readonly NumberedBatch[]): Promise<readonly boolean[]> {
  const client = await pool.connect().catch((error) => {
    throw storeError(error)
  })
  let broken = true
  try {
    const fresh = await withDeadline(client, () => copyWith(client, batches))
    broken = false
    return fresh
  } catch (error) {
    broken = await client.query('rollback').then(
      () => false,
      () => true,
    )
    throw storeError(error)
  } finally {
    client.release(broken)
  }
}

async function copyWith(client: PoolClient, batches: readonly NumberedBatch[]): Promise<readonly boolean[]> {
  const lane = laneOf(batches[0] as NumberedBatch)
  // before the lock: nobody waits for what this process computes
  const hashOf = await hashesOf(client, batches)
  const texts: Buffer[] = []
  for (const batch of batches) {
    texts.push(copyText(batch, lane, hashOf))
    // a group has some MB of text: others have their turn in between
    await nextTurn()
  }
  await client.query(BEGIN)
  const fresh = await beginAppend(client, lane, batches)
  if (fresh.includes(true)) {
    const stream = client.query(copyFrom(COPY_EVENTS))
    for (const [place, text] of texts.entries()) if (fresh[place]) stream.write(text)
    stream.end()
    await finished(stream)
    await finishAppend(
      client,
      batches.filter((_, place) => fresh[place]),
    )
  }
  await client.query('commit')
  return fresh
}

async function hashesOf(
  client: PoolClient,
  batches: readonly Batch[],
): Promise<(entity: EntityRef) => string> {
  const places = new Map<string, number>()
  const [types, ids]: [string[], string[]] = [[], []]
  for (const { events } of batches)
    for (const event of events) {
      const entity = entityOf(event)
      if (!entity || places.has(nameOf(entity))) continue
      places.set(nameOf(entity), types.length)
      types.push(entity.type)
      ids.push(entity.id)
    }
  const { rows } = await client.query<{ hashes: string[] }>(
    'select array(select syncproof.entity_hash(type, id) from unnest($1::text[], $2::text[]) as e(type, id)) as hashes',
    [types, ids],
  )
  return (entity) => rows[0]?.hashes[places.get(nameOf(entity)) ?? -1] ?? '\\N'
}

/** No text of ours holds a NUL. */
function nameOf({ type, id }: EntityRef): string {
  return `${type}\0${id}`
}

async function beginAppend(
  client: PoolClient,
  lane: number,
  batches: readonly NumberedBatch[],
): Promise<readonly boolean[]> {
  const sent = batches.map(({ projectId, process, seen }) => ({
    project: projectId,
    process: process.id,
    seen,
  }))
  const { rows } = await client.query<{ fresh: boolean[] }>(
    'select syncproof.begin_append($1, $2) as fresh',
    [lane, JSON.stringify(sent)],
  )
  return rows[0]?.fresh ?? []
}

async function finishAppend(client: PoolClient, batches: readonly NumberedBatch[]): Promise<void> {
  const stored = batches.map(({ projectId, process, events, seen }) => ({
    ...{ project: projectId, report: process, accepted: events.length, seen },
    ended: events.some(({ kind }) => kind === 'process_ended'),
  }))
  await client.query('select syncproof.finish_append($1)', [JSON.stringify(stored)])
}
