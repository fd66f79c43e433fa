import type { DumpProcess } from '@syncproof/core/contract'
import { sql } from 'kysely'
import type { Database } from './database.ts'
import { jsonb } from './sql-text.ts'
import type { ImportedEvent } from './store.ts'

/** See `DumpStore.importProcess`. What appends for it later keeps what is said here: its books are the greater ones. */
export async function importProcess(
  db: Database,
  projectId: string,
  { process, first_seen_at, last_seen_at, inconsistent }: DumpProcess,
): Promise<void> {
  const { id, service, release, host, clock, books } = process
  await sql`
    insert into syncproof.processes as p (project_id, process_id, service, release, host, clock, first_seen_at,
      last_seen_at, produced, dropped, ended, stored, seen, inconsistent)
    values (${projectId}, ${id}, ${service}, ${release ?? null}, ${host ?? null},
      ${clock === undefined ? null : jsonb(clock)}, ${first_seen_at}, ${last_seen_at}, ${books?.produced ?? 0},
      ${jsonb(books?.dropped ?? {})}, false, 0, '{}', ${inconsistent})
    on conflict (project_id, process_id) do update set
      first_seen_at = least(p.first_seen_at, excluded.first_seen_at),
      dropped = case when excluded.produced > p.produced then excluded.dropped else p.dropped end,
      produced = greatest(p.produced, excluded.produced),
      inconsistent = greatest(p.inconsistent, excluded.inconsistent)`.execute(db)
}

/** Marks events that are not there yet. */
export async function importMarks(
  db: Database,
  projectId: string,
  processId: string,
  events: readonly ImportedEvent[],
): Promise<void> {
  const marks = events.flatMap(({ event, mark }) => (mark ? [{ id: event.id, ...mark }] : []))
  if (marks.length === 0) return
  await sql`
    insert into syncproof.inconsistent_events
      (project_id, event_id, process_id, contradicts, contradicted_id, noticed_at)
    select ${projectId}, id, ${processId}, contradicts, event_id, clock_timestamp()
    from jsonb_to_recordset(${jsonb(marks)}) as mark(id uuid, contradicts text, event_id uuid)
    -- what is stored already is believed or not, whatever another store says of it
    where not exists (
      select from syncproof.events as event where event.project_id = ${projectId} and event.id = mark.id)
    on conflict do nothing`.execute(db)
}
