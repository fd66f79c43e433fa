import { type SqlBool, sql } from 'kysely'
import type { Database, Tx } from './database.ts'
import { type Pass, ROWS_AT_ONCE } from './expire-pass.ts'
import { rfc3339 } from './sql-text.ts'
import type { RetentionSubject } from './store.ts'

/** Rows of one table that are removed by age. */
export interface Sweep<Row> {
  readonly subject: RetentionSubject
  readonly table: string
  /** An index of these leads through the rows of a project, by a time that is no later than what `isDue` asks for. */
  readonly order: readonly [time: string, key: string]
  readonly keyType: 'text' | 'uuid'
  /** What a row that goes is known by afterwards. */
  readonly returning: readonly string[]
  /** On the columns of the table. */
  readonly isDue: ReturnType<typeof sql<SqlBool>>
  /** Taken before anything is removed. */
  lock?(tx: Tx, projectId: string): Promise<void>
  /** What goes with the rows, in the same transaction. */
  more?(tx: Tx, projectId: string, removed: readonly Row[]): Promise<void>
}

/** Where the next look begins; undefined at the beginning. */
type Place = readonly [time: string, key: string] | undefined

/** Removes what is due, in transactions that look at `ROWS_AT_ONCE` rows each, a project after the other.
 *  @param beforeMs rows whose time of `order` is later are not looked at */
export async function sweepTable<Row>(pass: Pass, sweep: Sweep<Row>, beforeMs: number): Promise<void> {
  for (const projectId of await projectsOf(pass.db, sweep.table)) {
    let from: Place
    do {
      if (pass.signal.aborted) return
      const until = await endOfWindow(pass.db, sweep, projectId, from, beforeMs)
      await removeWindow(pass, sweep, projectId, { from, until, beforeMs })
      from = until
    } while (from !== undefined)
  }
}

/** By jumping from one to the next: an index of many rows is not read whole. */
async function projectsOf(db: Database, table: string): Promise<readonly string[]> {
  const { rows } = await sql<{ project_id: string }>`
    with recursive found as (
      (select project_id from ${sql.table(table)} order by project_id limit 1)
      union all
      select (select next.project_id from ${sql.table(table)} as next where next.project_id > found.project_id
        order by next.project_id limit 1)
      from found where found.project_id is not null)
    select project_id from found where project_id is not null`.execute(db)
  return rows.map((row) => row.project_id)
}

function isAfter<Row>({ order, keyType }: Sweep<Row>, place: Place) {
  if (place === undefined) return sql`true`
  const [time, key] = order
  return sql`(${sql.ref(time)}, ${sql.ref(key)}) > (${place[0]}::timestamptz, ${place[1]}::${sql.raw(keyType)})`
}

/** The last row of as many as one transaction looks at; undefined where they are fewer. */
async function endOfWindow<Row>(
  db: Database,
  sweep: Sweep<Row>,
  projectId: string,
  from: Place,
  beforeMs: number,
): Promise<Place> {
  const [time, key] = sweep.order
  const { rows } = await sql<{ time: string; key: string }>`
    select ${rfc3339(time)} as time, ${sql.ref(key)} as key from ${sql.table(sweep.table)}
    where project_id = ${projectId} and ${isAfter(sweep, from)} and ${isBefore(time, beforeMs)}
    order by ${sql.ref(time)}, ${sql.ref(key)} offset ${ROWS_AT_ONCE - 1} limit 1`.execute(db)
  return rows[0] && [rows[0].time, rows[0].key]
}

function isBefore(time: string, ms: number) {
  return sql`${sql.ref(time)} < to_timestamp(${ms / 1000}::double precision)`
}

async function removeWindow<Row>(
  pass: Pass,
  sweep: Sweep<Row>,
  projectId: string,
  window: { readonly from: Place; readonly until: Place; readonly beforeMs: number },
): Promise<void> {
  const { subject, table, order, returning, isDue } = sweep
  await pass.remove(subject, async (tx) => {
    await sweep.lock?.(tx, projectId)
    const within = window.until === undefined ? sql`true` : sql`not (${isAfter(sweep, window.until)})`
    const { rows } = await sql<Row>`
      delete from ${sql.table(table)}
      where project_id = ${projectId} and ${isAfter(sweep, window.from)} and ${within}
        and ${isBefore(order[0], window.beforeMs)} and ${isDue}
      returning ${sql.join(returning.map((column) => sql.ref(column)))}`.execute(tx)
    if (rows.length > 0) await sweep.more?.(tx, projectId, rows)
    return rows.length
  })
}
