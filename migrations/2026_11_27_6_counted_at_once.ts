import { type Kysely, sql } from 'kysely'

/** Why: the trigger that counts changes of findings joins how they were with how they are now. Its statement was planned once a
 *  connection, for the few rows of its first call, by a nested loop: 20,000 findings that a run found again, or ended, took
 *  minutes. Planned each time, for the rows that there are, it takes as long as they are many.
 *
 *  Locks: none that anybody waits for: the function is replaced.
 *  Undo: put back the function of `2026_11_27_2_counts`. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create or replace function syncproof.count_findings() returns trigger
    language plpgsql as $$
    begin
      if tg_op = 'INSERT' then
        insert into syncproof.count_changes (project_id, metric, labels, value)
        select project_id, 'findings', ${standing}, count(*) from after as finding group by 1, 3
        union all
        select project_id, 'findings_made', ${made}, count(*) from after as finding group by 1, 3;
      elsif tg_op = 'DELETE' then
        insert into syncproof.count_changes (project_id, metric, labels, value)
        select project_id, 'findings', ${standing}, -count(*) from before as finding group by 1, 3;
      else
        execute $statement$
          insert into syncproof.count_changes (project_id, metric, labels, value)
          select project_id, metric, labels, sum(value) from (
            select project_id, 'findings' as metric, ${standing} as labels, 1 as value from after as finding
            union all
            select project_id, 'findings', ${standing}, -1 from before as finding
            union all
            -- seen again with a stronger verdict, or after it was over
            select finding.project_id, 'findings_made', ${made}, 1
            from after as finding join before using (project_id, id)
            where before.verdict <> finding.verdict
              or (before.status = 'resolved' and finding.status = 'open' and before.last_seen_at < finding.last_seen_at)
            union all
            -- what an operation had left split, or nobody knew of, has come right
            select finding.project_id, 'writes_repaired', jsonb_strip_nulls(jsonb_build_object(
                'was', case when finding.verdict = 'proven' then 'split' else 'unknown' end, 'entity_type', finding.entity_type, 'system', finding.details->>'system',
                'within_s', (select min(bound) from unnest(array[60, 300, 600]) as bound
                  where (finding.resolution->>'at')::timestamptz <= finding.occurred_at + make_interval(secs => bound)))), 1
            from after as finding join before using (project_id, id)
            where before.status <> 'resolved' and finding.status = 'resolved' and finding.details->>'system' is not null
              and (finding.kind = 'partial-write' or (finding.kind = 'unknown-outcome' and finding.details->>'what' = 'sync'))
              -- the operation counted once, with what it is about
              and exists (select from syncproof.operations as operation
                where operation.project_id = finding.project_id
                  and operation.operation_id = (finding.cause->>'operation_id')::uuid
                  and operation.entity_type = finding.entity_type and operation.entity_id = finding.entity_id)
          ) as change
          group by project_id, metric, labels
          having sum(value) <> 0
        $statement$;
      end if;
      return null;
    end $$`.execute(db)
}

/** How a finding stands now. */
const standing = sql`jsonb_strip_nulls(jsonb_build_object('kind', finding.kind, 'verdict', finding.verdict,
  'status', finding.status, 'operation', finding.operation, 'entity_type', finding.entity_type,
  'system', coalesce(finding.details->>'target', finding.details->>'system'), 'baseline', finding.details->'baseline'))`

/** What was found, once and for ever. */
const made = sql`jsonb_strip_nulls(jsonb_build_object('kind', finding.kind, 'verdict', finding.verdict,
  'operation', finding.operation, 'entity_type', finding.entity_type))`
