import { sql } from 'kysely'
import type { Database } from './database.ts'
import type { MaintenanceStore, MaintenanceWindow } from './maintenance-store.ts'
import { jsonb, rfc3339 } from './sql-text.ts'

export function maintenanceStore(db: Database): MaintenanceStore {
  return {
    async list(projectId) {
      const { rows } = await sql<MaintenanceWindow>`
        select ${columns} from syncproof.maintenance_windows
        where project_id = ${projectId} and ends_at > clock_timestamp()
        order by maintenance_windows.starts_at, id`.execute(db)
      return rows
    },
    async start(projectId, { pairs, reason, forMs }) {
      const { rows } = await sql<MaintenanceWindow>`
        insert into syncproof.maintenance_windows (project_id, pairs, reason, starts_at, ends_at)
        select ${projectId}, ${pairs}::text[], ${reason}, at, at + make_interval(secs => ${forMs / 1_000})
        from clock_timestamp() as at
        returning ${columns}`.execute(db)
      const [window] = rows
      if (window === undefined) throw new Error('A maintenance window was not stored')
      return window
    },
    async end(projectId, id) {
      const { rows } = await sql<MaintenanceWindow>`
        update syncproof.maintenance_windows
        set starts_at = least(starts_at, clock_timestamp()), ends_at = clock_timestamp()
        where project_id = ${projectId} and ends_at > clock_timestamp() and (${id ?? null}::text is null or id = ${id ?? null})
        returning ${columns}`.execute(db)
      return rows
    },
    declare: (projectId, windows) => declareWindows(db, projectId, windows),
  }
}

const columns = sql`id, pairs, reason, ${rfc3339('maintenance_windows.starts_at')} as starts_at,
  ${rfc3339('maintenance_windows.ends_at')} as ends_at, configured`

/** Each is known by what it says, so that one that was ended before its time is not begun again. */
async function declareWindows(
  db: Database,
  projectId: string,
  windows: Parameters<MaintenanceStore['declare']>[1],
): Promise<void> {
  await sql`
    with declared as (
      insert into syncproof.maintenance_windows as known (project_id, id, pairs, reason, starts_at, ends_at, configured)
      select distinct ${projectId}, 'm_' || left(md5(declared::text), 12),
        (select array_agg(pair) from jsonb_array_elements_text(nullif(pairs, 'null')) as pair), reason, starts_at, ends_at, true
      from jsonb_to_recordset(${jsonb(windows)})
        as declared(pairs jsonb, reason text, starts_at timestamptz, ends_at timestamptz)
      -- written, so that it is among those that are returned
      on conflict (project_id, id) do update set configured = true
      returning id)
    update syncproof.maintenance_windows
    set starts_at = least(starts_at, clock_timestamp()), ends_at = clock_timestamp()
    where project_id = ${projectId} and configured and ends_at > clock_timestamp()
      and id not in (select id from declared)`.execute(db)
}
