import { sql } from 'kysely'
import type { Database } from './database.ts'
import type { TraceStore } from './trace-store.ts'

const ROWS_AT_ONCE = 5_000

/** @param ingest the connections that events come in by */
export function traceStore(db: Database, ingest: Database): TraceStore {
  return {
    async note(projectId, eventIds, traceparent) {
      await sql`
        insert into syncproof.event_traces (project_id, event_id, traceparent)
        select ${projectId}, id, ${traceparent} from unnest(${eventIds}::uuid[]) as id
        on conflict do nothing`.execute(ingest)
    },
    async of(projectId, eventIds) {
      const { rows } = await sql<{ event_id: string; traceparent: string }>`
        select event_id, traceparent from syncproof.event_traces
        where project_id = ${projectId} and event_id = any(${eventIds}::uuid[])`.execute(db)
      return new Map(rows.map(({ event_id, traceparent }) => [event_id, traceparent]))
    },
    async forget() {
      await sql`
        delete from syncproof.event_traces where (project_id, event_id) in (
          select project_id, event_id from syncproof.event_traces
          where noted_at < now() - interval '1 hour' limit ${ROWS_AT_ONCE})`.execute(db)
    },
  }
}
