import { type Kysely, sql } from 'kysely'

/** Why: a trace of the services goes from the batch to the finding, and between the two lies the database. Of batches that
 *  are traced it keeps, event by event and for an hour, the span that brought it. Nothing is written where nobody traces.
 *
 *  Undo: drop the table. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table syncproof.event_traces (
      project_id text not null,
      event_id uuid not null,
      -- of the span, as W3C Trace Context writes it
      traceparent text not null,
      noted_at timestamptz not null default now(),
      primary key (project_id, event_id)
    )`.execute(db)
  await sql`create index event_traces_by_time on syncproof.event_traces (noted_at)`.execute(db)
}
