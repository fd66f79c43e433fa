import { type Kysely, sql } from 'kysely'

/** Why: a finding about an occurrence is never over; the group of all of one kind, function and entity type is, until
 *  the next one. A finding joins its group when it is first proven or observed.
 *
 *  Locks: ACCESS EXCLUSIVE on `findings` while its new column is filled and indexed, which rewrites every finding of these
 *  kinds once: seconds for a million.
 *  Undo: drop the table, the column and the function. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table syncproof.finding_groups (
      project_id text not null,
      id text not null,
      kind text not null,
      operation text,
      entity_type text,
      status text not null,
      findings bigint not null,
      -- of the function, that ended since the last finding
      calls bigint not null,
      first_seen_at timestamptz not null,
      last_seen_at timestamptz not null,
      resolution jsonb,
      primary key (project_id, id),
      check ((status = 'resolved') = (resolution is not null))
    )`.execute(db)
  await sql`create index finding_groups_by_time on syncproof.finding_groups (project_id, last_seen_at, id)`.execute(
    db,
  )
  await sql`create index finding_groups_open on syncproof.finding_groups (project_id, operation)
    where status = 'open'`.execute(db)
  await sql`
    create function syncproof.finding_group_id(kind text, operation text, entity_type text) returns text
    language sql immutable parallel safe
    return 'g_' || left(encode(sha256(convert_to(kind || '/' || coalesce(length(operation) || ':' || operation, '-')
      || '/' || coalesce(':' || entity_type, '-'), 'UTF8')), 'hex'), 32)`.execute(db)
  await sql`alter table syncproof.findings add column group_id text`.execute(db)
  await fill(db)
  await sql`create index findings_of_group_open on syncproof.findings (project_id, group_id)
    where group_id is not null and status in ('open', 'acknowledged')`.execute(db)
}

async function fill(db: Kysely<unknown>): Promise<void> {
  await sql`
    with joined as (
      update syncproof.findings set group_id = syncproof.finding_group_id(kind, operation, entity_type)
      where verdict in ('proven', 'observed') and kind in ('lost-update', 'write-conflict', 'lock-void',
        'partial-write', 'reordered-sync', 'duplicate-create', 'orphaned-operation', 'unobserved-write',
        'write-skew', 'contract-violation', 'invariant-violation')
      returning project_id, group_id, kind, operation, entity_type, first_seen_at)
    insert into syncproof.finding_groups
    select project_id, group_id, kind, operation, entity_type, 'open', count(*), 0, min(first_seen_at),
      max(first_seen_at), null
    from joined
    group by project_id, group_id, kind, operation, entity_type`.execute(db)
}
