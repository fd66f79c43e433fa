import { type SqlBool, sql } from 'kysely'
import type { Database } from './database.ts'
import type { HeartbeatStore, Stage } from './heartbeat-store.ts'

/** @param ingest the connections that events come in by */
export function heartbeatStore(db: Database, ingest: Database): HeartbeatStore {
  return {
    beat: () => pass(ingest, 'collected', sql`clock_timestamp()`),
    async judge() {
      const { rows } = await sql<{ began: Date }>`
        select began_at as began from syncproof.heartbeats as collected
        where stage = 'collected' and not exists (
          select from syncproof.detection_cursors as cursor
          join syncproof.events as event on event.lane = cursor.lane and event.position > cursor.position
          where event.received_at <= collected.began_at)`.execute(db)
      const began = rows[0]?.began
      if (began) await pass(db, 'judged', sql`${began}::timestamptz`)
      return began
    },
    work: (began) => pass(db, 'worked', sql`${began}::timestamptz`),
    async read() {
      const { rows } = await sql<{ stage: Stage; began: Date }>`
        select stage, began_at as began from syncproof.heartbeats`.execute(db)
      return Object.fromEntries(rows.map(({ stage, began }) => [stage, began.getTime()]))
    },
  }
}

/** An older one that comes late changes nothing; nobody waits for a row that another writes. */
async function pass(db: Database, stage: Stage, began: ReturnType<typeof sql<SqlBool>>): Promise<void> {
  await sql`
    insert into syncproof.heartbeats as known (stage, began_at) values (${stage}, ${began})
    on conflict (stage) do update set began_at = greatest(known.began_at, excluded.began_at)`.execute(db)
}
