import { type Kysely, sql } from 'kysely'

/** Why: what the detector remembers (a cursor a lane, operations that wait for a gap), what it projects
 *  (operations), and what it found.
 *
 *  Locks: creates new objects only; nothing that exists is locked.
 *  Undo: drop the four tables; detection then starts again at the oldest stored event, and findings that it
 *  makes again lose their status and notes. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await createCursors(db)
  await createTailing(db)
  await createOperations(db)
  await createFindings(db)
}

async function createCursors(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table syncproof.detection_cursors (
      lane smallint primary key,
      position bigint not null
    )`.execute(db)
  await sql`insert into syncproof.detection_cursors select lane, 0 from generate_series(0, 3) as lane`.execute(
    db,
  )
  await sql`
    create table syncproof.waiting_operations (
      project_id text not null,
      process_id uuid not null,
      operation_id uuid not null,
      first_seq bigint not null,
      last_seq bigint not null,
      primary key (project_id, process_id, operation_id)
    )`.execute(db)
}

/** A partition that was never analyzed, which on PGlite is each of them, looks as if a bitmap and a sort were cheap: every step
 *  would then read the whole backlog. The settings leave the planner only the index in its order. */
async function createTailing(db: Kysely<unknown>): Promise<void> {
  await sql`
    create function syncproof.next_events(p_lane integer, p_after bigint, p_limit integer)
    returns table (id uuid, project_id text, process_id uuid, operation_id uuid, "position" bigint,
      received_at timestamptz, payload jsonb)
    language sql stable
    set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off
    begin atomic
      select id, project_id, process_id, operation_id, position, received_at, payload
      from syncproof.events
      where lane = p_lane and position > p_after
      order by position
      limit p_limit;
    end`.execute(db)
}

async function createOperations(db: Kysely<unknown>): Promise<void> {
  // Events may arrive in any order: what only operation_started knows is null until it is here.
  await sql`
    create table syncproof.operations (
      project_id text not null,
      operation_id uuid not null,
      process_id uuid not null,
      root_operation_id uuid,
      parent_operation_id uuid,
      name text,
      entity_type text,
      entity_id text,
      entity_hash bigint,
      started_at timestamptz,
      finished_at timestamptz,
      outcome text,
      retries integer not null,
      first_event_id uuid not null,
      active_at timestamptz not null,
      primary key (project_id, operation_id)
    )`.execute(db)
  await sql`create index operations_by_time on syncproof.operations (project_id, started_at, operation_id)
    where started_at is not null`.execute(db)
  await sql`create index operations_by_entity on syncproof.operations (project_id, entity_hash)`.execute(db)
  await sql`create index operations_by_parent on syncproof.operations (project_id, parent_operation_id)
    where parent_operation_id is not null`.execute(db)
  await sql`create index operations_open on syncproof.operations (project_id, process_id)
    where finished_at is null`.execute(db)
}

async function createFindings(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table syncproof.findings (
      project_id text not null,
      id text not null,
      kind text not null,
      verdict text not null,
      severity text not null,
      status text not null,
      entity_type text,
      entity_id text,
      entity_hash bigint,
      operation text,
      fields jsonb not null,
      summary text not null,
      reason text,
      cause jsonb not null,
      witness jsonb not null,
      details jsonb not null,
      occurred_at timestamptz not null,
      first_seen_at timestamptz not null,
      last_seen_at timestamptz not null,
      occurrences bigint not null,
      resolution jsonb,
      note text,
      primary key (project_id, id),
      check ((status = 'resolved') = (resolution is not null))
    )`.execute(db)
  await sql`create index findings_by_time on syncproof.findings (project_id, last_seen_at, id)`.execute(db)
  await sql`create index findings_by_entity on syncproof.findings (project_id, entity_hash)
    where entity_hash is not null`.execute(db)
}
