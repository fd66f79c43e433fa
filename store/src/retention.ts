import { sql } from 'kysely'
import type { Database } from './database.ts'
import { expireEvents, expireKinds } from './expire-events.ts'
import { expireFindings, expireHazards } from './expire-findings.ts'
import { expireOperations, expireProcesses } from './expire-operations.ts'
import { committed, countExpired, type Pass } from './expire-pass.ts'
import { expireReports, expireStages } from './expire-reports.ts'
import { expireAlerts, expireSections, expireWaitingVersions, giveUpAlerts } from './expire-rest.ts'
import { DAYS_AHEAD, preparePartitions } from './partitions.ts'
import { jsonb, rfc3339OrNull } from './sql-text.ts'
import type {
  EventHorizon,
  Expiry,
  RetentionFigure,
  RetentionPolicy,
  RetentionStore,
  RetentionSubject,
} from './store.ts'

export function retentionStore(db: Database): RetentionStore {
  return {
    prepare: () => preparePartitions(db, DAYS_AHEAD),
    declare: (policy) => declare(db, policy),
    policy: () => readPolicy(db),
    horizon: (nowMs) => horizon(db, nowMs),
    due: (everyMs) => isDue(db, everyMs),
    expire: (options) => expire(db, options),
    figures: () => figures(db),
  }
}

/** In this order: an operation outlives its events, a process its operations. */
const PASSES: readonly ((pass: Pass) => Promise<void>)[] = [
  expireEvents,
  expireKinds,
  expireFindings,
  expireHazards,
  expireReports,
  expireStages,
  expireSections,
  expireWaitingVersions,
  giveUpAlerts,
  expireAlerts,
  expireOperations,
  expireProcesses,
]

async function expire(
  db: Database,
  { signal, nowMs }: Parameters<RetentionStore['expire']>[0],
): Promise<Expiry> {
  const expired: Partial<Record<RetentionSubject, number>> = {}
  const kept: string[] = []
  const pass: Pass = {
    db,
    policy: await readPolicy(db),
    nowMs: nowMs ?? (await databaseMs(db)),
    signal,
    async remove(subject, remove) {
      const rows = await committed(db, async (tx) => {
        const removed = await remove(tx)
        if (subject) await countExpired(tx, subject, removed)
        return removed
      })
      if (subject) pass.tell(subject, rows)
      return rows
    },
    tell(subject, rows) {
      if (rows > 0) expired[subject] = (expired[subject] ?? 0) + rows
    },
    keep: (why) => kept.push(why),
  }
  for (const run of PASSES) {
    if (signal.aborted) return { done: false, expired, kept }
    await run(pass)
  }
  if (!signal.aborted) await sql`update syncproof.retention set worked_at = clock_timestamp()`.execute(db)
  return { done: !signal.aborted, expired, kept }
}

/** What is removed is removed by the clock that has stamped it. */
async function databaseMs(db: Database): Promise<number> {
  const { rows } = await sql<{ ms: number }>`
    select extract(epoch from clock_timestamp())::double precision * 1000 as ms`.execute(db)
  return rows[0]?.ms ?? 0
}

async function declare(db: Database, policy: RetentionPolicy): Promise<void> {
  const kinds = Object.entries(policy.events.byKind).map(([kind, keepMs]) => [`events.${kind}`, keepMs])
  const keep: Readonly<Record<string, number | null>> = {
    events: policy.events.keepMs,
    ...Object.fromEntries(kinds),
    operations: policy.operationsMs,
    processes: policy.processesMs,
    'findings.open': policy.findingsMs.open,
    'findings.resolved': policy.findingsMs.resolved,
    reports: policy.reportsMs,
    sections: policy.sectionsMs,
    hazards: policy.hazardsMs,
  }
  const rows = Object.entries(keep).map(([subject, keep_ms]) => ({ subject, keep_ms }))
  await sql`
    insert into syncproof.retention as known (subject, keep_ms)
    select subject, keep_ms from jsonb_to_recordset(${jsonb(rows)}) as told(subject text, keep_ms bigint)
    order by subject
    on conflict (subject) do update set keep_ms = excluded.keep_ms`.execute(db)
  // a kind that is not named any more is kept as long as all events
  await sql`
    update syncproof.retention set keep_ms = null
    where subject like 'events.%' and not subject = any(${Object.keys(keep)}::text[])`.execute(db)
}

interface Row {
  readonly subject: RetentionSubject
  readonly keep_ms: string | null
  readonly gone_ms: number | null
}

async function readRows(db: Database): Promise<ReadonlyMap<string, Row>> {
  const { rows } = await sql<Row>`
    select subject, keep_ms, extract(epoch from gone_before)::double precision * 1000 as gone_ms
    from syncproof.retention`.execute(db)
  return new Map(rows.map((row) => [row.subject, row]))
}

async function readPolicy(db: Database): Promise<RetentionPolicy> {
  const rows = await readRows(db)
  const ms = (subject: RetentionSubject) => {
    const keep = rows.get(subject)?.keep_ms ?? null
    return keep === null ? null : Number(keep)
  }
  return {
    events: {
      keepMs: ms('events') ?? Number.POSITIVE_INFINITY,
      byKind: Object.fromEntries(
        [...rows.values()].flatMap(({ subject, keep_ms }) =>
          subject.startsWith('events.') && keep_ms !== null ? [[kindOf(subject), Number(keep_ms)]] : [],
        ),
      ),
    },
    operationsMs: ms('operations'),
    processesMs: ms('processes'),
    findingsMs: { open: ms('findings.open'), resolved: ms('findings.resolved') },
    reportsMs: ms('reports'),
    sectionsMs: ms('sections'),
    hazardsMs: ms('hazards'),
  }
}

function kindOf(subject: string): string {
  return subject.slice('events.'.length)
}

async function horizon(db: Database, nowMs: number): Promise<EventHorizon> {
  const rows = await readRows(db)
  const since = (row: Row | undefined) =>
    Math.max(row?.gone_ms ?? 0, row?.keep_ms ? nowMs - Number(row.keep_ms) : 0)
  const kinds = [...rows.values()].filter(({ subject }) => subject.startsWith('events.'))
  return {
    sinceMs: since(rows.get('events')),
    byKind: Object.fromEntries(kinds.map((row) => [kindOf(row.subject), since(row)])),
  }
}

async function isDue(db: Database, everyMs: number): Promise<boolean> {
  const { rows } = await sql<{ due: boolean }>`
    select coalesce(min(worked_at) < clock_timestamp() - make_interval(secs => ${everyMs / 1000}), true)
      or count(*) > count(worked_at) as due
    from syncproof.retention`.execute(db)
  return rows[0]?.due !== false
}

async function figures(db: Database): Promise<readonly RetentionFigure[]> {
  const { rows } = await sql<
    Omit<RetentionFigure, 'keep_ms' | 'expired'> & { keep_ms: string | null; expired: string }
  >`
    select subject, keep_ms, ${rfc3339OrNull('gone_before')} as gone_before, expired,
      ${rfc3339OrNull('worked_at')} as worked_at
    from syncproof.retention order by subject`.execute(db)
  return rows.map((row) => ({
    ...row,
    keep_ms: row.keep_ms === null ? null : Number(row.keep_ms),
    expired: Number(row.expired),
  }))
}
