import pg from 'pg'
import { TABLES, type Table } from '../plan/call.ts'
import type { Values } from './row.ts'
import { WriteAheadLog } from './write-ahead-log.ts'

/** What the database itself knows: each version of a row that came, changed or went, in the order of the versions. */
export interface HistoryRow {
  readonly table: string
  readonly row: string
  readonly transaction: string
  readonly old: Values | null
  readonly new: Values | null
}

const MEND = `
  CREATE FUNCTION mend() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN NEW.note := upper(NEW.note); RETURN NEW; END $$;
  CREATE TRIGGER a_mend BEFORE INSERT OR UPDATE ON mended FOR EACH ROW EXECUTE FUNCTION mend()`

const BUMP = `
  CREATE FUNCTION bump() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN UPDATE bumped SET owner = coalesce(owner, '') || '.' WHERE id = NEW.id; RETURN NULL; END $$;
  CREATE TRIGGER z_bump AFTER UPDATE ON bumped FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION bump()`

/** The programs' database, and its own account of what happened to it. */
export class Database {
  readonly pool: pg.Pool
  readonly #log: WriteAheadLog

  private constructor(pool: pg.Pool, log: WriteAheadLog) {
    this.pool = pool
    this.#log = log
  }

  /** @param url of an empty database, on a server with `wal_level = logical` */
  static async create(url: string): Promise<Database> {
    const pool = new pg.Pool({ connectionString: url, max: 2 })
    await pool.query('CREATE TABLE outbox (id bigserial PRIMARY KEY, message jsonb NOT NULL)')
    for (const table of TABLES) {
      await pool.query(`
        CREATE TABLE ${table} (id text PRIMARY KEY, title text, note text, stage text NOT NULL, score int NOT NULL,
          owner text, updated_by text NOT NULL) WITH (fillfactor = 50);
        ALTER TABLE ${table} REPLICA IDENTITY FULL`)
    }
    await pool.query(MEND)
    await pool.query(BUMP)
    return new Database(pool, await WriteAheadLog.open(url, TABLES))
  }

  async addRows(table: Table, ids: readonly string[]): Promise<void> {
    await this.pool.query(
      `INSERT INTO ${table} SELECT id, 'first title', 'FIRST NOTE', 'A', 10, 'ann', 'seed' FROM unnest($1::text[]) AS id`,
      [ids],
    )
  }

  /** All that was committed since the last call. */
  async takeHistory(): Promise<HistoryRow[]> {
    const changes = await this.#log.take()
    return changes.map((change) => ({ ...change, row: String((change.new ?? change.old)?.id) }))
  }

  /** Forgets the rows of rounds that are over. */
  async clear(): Promise<void> {
    await this.pool.query(`TRUNCATE ${TABLES.join(', ')}, outbox`)
  }

  async close(): Promise<void> {
    await Promise.all([this.pool.end(), this.#log.close()])
  }
}
