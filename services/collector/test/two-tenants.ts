import { randomUUID } from 'node:crypto'
import { type DetectedFinding, findingId } from '@syncproof/core/contract'
import { migrateStore, openStore, type Store } from '@syncproof/store'
import type { InjectOptions, LightMyRequestResponse } from 'fastify'
import pg from 'pg'
import { freshDatabase } from '../../../tools/testing/servers.ts'
import { type Json, makeBatch, makeEvent, makeSection } from './make-batch.ts'
import { type OpenedCollector, openCollector } from './open-collector.ts'
import { pair } from './pair.ts'

/** Of everything that one project holds, something by which it can be asked for. Whatever can be the same in two projects
 *  is: ids of events, operations, processes and findings, names of pairs, entities. What is only in this one has `mark` in
 *  its name. */
export interface Tenant {
  readonly project: string
  readonly key: string
  /** In every text of this project, and in none of another. */
  readonly mark: string
  readonly batch: Json
  readonly findingId: string
  readonly groupId: string
  readonly windowId: string
  readonly reportId: string
  /** Of a process that no other project has. */
  readonly processId: string
  /** `next_cursor` of the first page of each list. */
  readonly cursors: Readonly<
    Record<
      | 'findings'
      | 'groups'
      | 'timeline'
      | 'dump'
      | 'operations'
      | 'processes'
      | 'sections'
      | 'reports'
      | 'divergences',
      string
    >
  >
}

/** Ids that both projects have. */
export interface SharedIds {
  readonly processIds: readonly [string, string]
  readonly operationIds: readonly [string, string]
  readonly eventIds: readonly string[]
  readonly findingId: string
}

const SHARED_PROCESS = { service: 'shared-service', release: 'r1' }

export interface Tenants {
  /** A collector on a PostgreSQL that holds two projects, `alpha` and `beta`, each with the same and each with its own. */
  readonly collector: OpenedCollector
  /** Two projects that nobody has asked yet. */
  fresh(): Promise<{ readonly alpha: Tenant; readonly beta: Tenant; readonly shared: SharedIds }>
  ask(tenant: Tenant, request: InjectOptions): Promise<LightMyRequestResponse>
  /** Every row of the project, of every table. */
  rowsOf(tenant: Tenant): Promise<Readonly<Record<string, readonly unknown[]>>>
  /** Makes it as if the project had never been. */
  forget(tenant: Tenant): Promise<void>
  close(): Promise<void>
}

export async function openTenants(): Promise<Tenants> {
  const database = await freshDatabase()
  await migrateStore({ url: database.url })
  const sql = new pg.Pool({ connectionString: database.url, max: 2 })
  const collector = await openCollector(async () => {
    const store = openStore({ url: database.url })
    return { store, close: () => store.close() }
  })
  return {
    collector,
    async fresh() {
      const run = randomUUID().slice(0, 8)
      const shared: SharedIds = {
        processIds: [randomUUID(), randomUUID()],
        operationIds: [randomUUID(), randomUUID()],
        eventIds: Array.from({ length: 6 }, () => String(makeEvent().id)),
        findingId: findingId('lost-update', run),
      }
      // alpha last: what is newest or counted over both would be its
      const beta = await fill(collector, `beta${run}`, shared)
      const alpha = await fill(collector, `alpha${run}`, shared)
      return { alpha, beta, shared }
    },
    ask: (tenant, request) => collector.send(tenant.key, request),
    async rowsOf(tenant) {
      const rows: Record<string, readonly unknown[]> = {}
      for (const table of await tablesWithProjects(sql)) {
        const { rows: found } = await sql.query(
          `select to_jsonb(row) as row from ${table} as row where project_id = $1 order by to_jsonb(row)::text`,
          [tenant.project],
        )
        rows[table] = found
      }
      return rows
    },
    async forget(tenant) {
      for (const table of await tablesWithProjects(sql)) {
        await sql.query(`delete from ${table} where project_id = $1`, [tenant.project])
      }
    },
    async close() {
      await sql.end()
      await collector.close()
      await database.drop()
    },
  }
}

async function tablesWithProjects(sql: pg.Pool): Promise<readonly string[]> {
  const { rows } = await sql.query<{ name: string }>(`
    select format('%I.%I', nspname, relname) as name
    from pg_class join pg_namespace as schema on schema.oid = relnamespace
    where nspname = 'syncproof' and relkind in ('r', 'p') and not relispartition
      and exists (select from pg_attribute where attrelid = pg_class.oid and attname = 'project_id')
    order by 1`)
  return rows.map((row) => row.name)
}

async function fill(collector: OpenedCollector, project: string, shared: SharedIds): Promise<Tenant> {
  const { store } = collector
  const mark = project
  const key = await collector.key(project)
  const own = { service: `${mark}-service`, release: mark }
  const batches = shared.processIds.map((id, place) =>
    makeBatch(events(mark, shared, place), {
      process: {
        id,
        ...(place === 0 ? SHARED_PROCESS : own),
        books: { produced: 10, dropped: { queue_full: 3 } },
      },
    }),
  )
  for (const batch of batches) {
    const { process, events } = batch as { process: never; events: never }
    await store.events.append(project, process, events)
  }
  const processId = randomUUID()
  await store.events.append(project, { id: processId, ...own }, [])
  await judge(store)
  await store.findings.record(
    project,
    [shared.findingId, `f_${mark}`].map((id) => finding(id, mark)),
  )
  const pairs = [`${mark}-pair`, pair.name].map((name) => ({ ...pair, name, source: `${mark}-source` }))
  await store.reports.declarePairs(project, pairs)
  await reported(store, project, pair.name)
  const reportId = await reported(store, project, `${mark}-pair`)
  const window = await store.maintenance.start(project, {
    pairs: [`${mark}-pair`],
    reason: mark,
    forMs: 60_000,
  })
  const groups = await store.groups.list(project, {}, { limit: 1 })
  const [batch = {}] = batches
  return {
    project,
    key,
    mark,
    batch,
    findingId: `f_${mark}`,
    groupId: groups.items[0]?.id ?? '',
    windowId: window.id,
    reportId,
    processId,
    cursors: await firstCursors(store, project, mark, reportId),
  }
}

/** Of the first process an operation on the entity that both projects have, of the second one on an entity of its own, with
 *  an event that contradicts another. */
function events(mark: string, shared: SharedIds, place: number): Json[] {
  const isShared = place === 0
  const entity = { type: 'candidate', id: isShared ? 'shared' : `${mark}-entity` }
  const operation_id = shared.operationIds[place]
  const [first, second, third] = shared.eventIds.slice(3 * place)
  const started = { operation_id, root_operation_id: operation_id, name: `${mark}-operation`, entity }
  const entered = makeSection(isShared ? 'shared-section' : `${mark}-section`, true)
  return [
    makeEvent({ id: first, ...started }),
    { ...entered, id: second, operation_id, entity },
    ...(isShared ? [] : [makeEvent({ ...entered, id: third, operation_id, entity, transaction: mark })]),
  ]
}

function finding(id: string, mark: string): DetectedFinding {
  return {
    id,
    kind: 'lost-update',
    verdict: 'proven',
    severity: 'high',
    entity: { type: `${mark}-type-${id}`, id: `${mark}-entity` },
    fields: ['email'],
    summary: `${mark} overwrote an update`,
    cause: { operation: `${mark}-operation`, service: `${mark}-service` },
    witness: { events: [] },
    occurred_at: '2026-11-20T10:00:00.000000Z',
    details: { system: mark },
  }
}

async function judge(store: Store): Promise<void> {
  for (let lane = 0; lane < store.detection.lanes; lane++) {
    const step = () => store.detection.step(lane, 1_000, async () => ({ findings: [], resolved: [] }))
    while ((await step()).events > 0);
  }
}

/** A finished report of a pair. */
async function reported(store: Store, project: string, name: string): Promise<string> {
  const report = await store.reports.request(project, name, 'request', null)
  const claim = report && (await store.reports.claim(project, report.id, 60_000))
  if (!claim) throw new Error(`the report of ${name} could not be claimed`)
  await store.reports.finish(project, claim.report.id, claim.fence, {
    result: 'diverged',
    problem: null,
    coverage: { source_records: 2, target_records: 2, compared: 2, indeterminate: 0, unread: 0, requests: 1 },
    self_test: 'passed',
    rules: null,
    divergences: [1, 2].map((number) => ({
      key: `${project}-key-${number}`,
      kind: 'field-mismatch',
      verdict: 'observed',
      fields: ['email'],
      reason: null,
      finding_id: null,
      source_observed_at: '2026-11-20T10:00:00Z',
      target_observed_at: '2026-11-20T10:00:01Z',
    })),
    findings: [],
    resolved: [],
  })
  return claim.report.id
}

async function firstCursors(
  store: Store,
  project: string,
  mark: string,
  reportId: string,
): Promise<Tenant['cursors']> {
  const page = { limit: 1 }
  const entity = { type: 'candidate', id: `${mark}-entity` }
  const cursorOf = async (list: Promise<{ next_cursor: string | null }>) => {
    const { next_cursor } = await list
    if (next_cursor === null) throw new Error('a list of one page has no cursor to try')
    return next_cursor
  }
  return {
    findings: await cursorOf(store.findings.list(project, {}, page)),
    groups: await cursorOf(store.groups.list(project, {}, page)),
    dump: await cursorOf(store.dumps.page(project, {}, undefined)),
    timeline: await cursorOf(store.events.timeline(project, entity, page)),
    operations: await cursorOf(store.operations.list(project, {}, page)),
    processes: await cursorOf(store.processes.list(project, page)),
    sections: await cursorOf(store.sections.list(project, {}, page)),
    reports: await cursorOf(store.reports.list(project, {}, page)),
    divergences: await cursorOf(store.reports.divergences(project, reportId, page)),
  }
}
