import { migrations } from '@syncproof/migrations'
import { sql } from 'kysely'
import { type Database, openDatabase, type StoreOptions } from './database.ts'
import { StoreNotMigratedError, sqlState } from './errors.ts'
import { lockUntilCommit } from './locks.ts'
import { DAYS_AHEAD, preparePartitions } from './partitions.ts'
import { createRoles, grantRoles } from './roles.ts'

export interface MigrateOptions {
  /** Also makes the roles of the services where they are missing. Default: no. */
  readonly roles?: boolean | undefined
}

/** Brings the schema up to this release, all in one transaction: either every missing migration is applied or
 *  none; then makes the partitions of the next days. Any number of processes may call it at once; the advisory lock lets one work and the others find nothing to do. Where the roles of the services are there,
 *  they get their rights, of what is new too. On a schema of a later release it changes nothing, the rights neither: they
 *  are that release's.
 *  @returns names of the migrations that were applied, in order
 *  @throws StoreUnavailableError */
export async function migrateStore(
  options: StoreOptions,
  { roles = false }: MigrateOptions = {},
): Promise<readonly string[]> {
  const { db, close } = openDatabase(options)
  try {
    const applied = await applyMissing(db, roles)
    await preparePartitions(db, DAYS_AHEAD)
    return applied
  } finally {
    await close()
  }
}

async function applyMissing(db: Database, roles: boolean): Promise<readonly string[]> {
  return db.transaction().execute(async (tx) => {
    // Taken before anything is looked at: `create schema if not exists` itself fails when two run at once.
    await lockUntilCommit(tx, 'migrations')
    await sql`create schema if not exists syncproof`.execute(tx)
    await sql`create table if not exists syncproof.migrations (
      name text primary key,
      applied_at timestamptz not null default now()
    )`.execute(tx)
    const { missing, later } = await compareMigrations(tx)
    for (const migration of missing) {
      await migration.up(tx as never)
      await tx.insertInto('syncproof.migrations').values({ name: migration.name }).execute()
    }
    if (roles) await createRoles(tx)
    // an older release knows neither the tables nor the rights that a later one gave
    if (later.length === 0) await grantRoles(tx)
    return missing.map((migration) => migration.name)
  })
}

/** What this release needs and the database lacks, and what it has that this release does not know. */
async function compareMigrations(db: Database) {
  const applied = await db.selectFrom('syncproof.migrations').select('name').execute()
  const names = new Set(applied.map((row) => row.name))
  const known = new Set(migrations.map(({ name }) => name))
  return {
    missing: migrations.filter((migration) => !names.has(migration.name)),
    later: [...names].filter((name) => !known.has(name)),
  }
}

/** A schema of a later release is fine: migrations only add, and while services are upgraded one after the other, those of
 *  the older release run on it.
 *  @throws StoreNotMigratedError where the schema is older than this release */
export async function assertMigrated(db: Database): Promise<void> {
  const { missing } = await compareMigrations(db).catch((error: unknown) => {
    // 3F000, 42P01: neither schema nor table is there yet
    if (['3F000', '42P01'].includes(sqlState(error) ?? '')) return { missing: migrations }
    throw error
  })
  if (missing.length > 0) throw new StoreNotMigratedError(missing.map((migration) => migration.name))
}
