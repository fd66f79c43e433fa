import type { HistoryRow, Row } from './evidence.ts'

/** What node-postgres and PGlite's pool both offer. */
export interface Database {
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>
}

/** Makes the database itself write down every version of every candidate.
 *
 *  A spread-merge sends every column that it read, so the `revision` in its UPDATE is the one that its function had
 *  read. The BEFORE trigger notes it before the app's own trigger replaces it: triggers of one kind fire in the order
 *  of their names, and `a_` comes first. It also notes whether the statement's condition names the revision. The AFTER trigger completes the row with the version that was stored. */
export async function installHistory(database: Database): Promise<void> {
  for (const statement of statements) await database.query(statement)
}

/** The whole history, oldest first. */
export async function readHistory(database: Database): Promise<readonly HistoryRow[]> {
  const { rows } = await database.query(
    `SELECT seq::text, candidate_id, xid, base_revision::text, guarded, old_row, new_row
     FROM oracle.history ORDER BY history.seq`,
  )
  return (rows as StoredHistoryRow[]).map((row) => {
    if (!row.new_row) throw new Error(`history row ${row.seq} of ${row.candidate_id} was never completed`)
    return {
      seq: Number(row.seq),
      candidateId: row.candidate_id,
      xid: row.xid,
      baseRevision: row.base_revision,
      guarded: row.guarded,
      old: row.old_row,
      new: row.new_row,
    }
  })
}

interface StoredHistoryRow {
  readonly seq: string
  readonly candidate_id: string
  readonly xid: string
  readonly base_revision: string | null
  readonly guarded: boolean
  readonly old_row: Row | null
  readonly new_row: Row | null
}

const statements = [
  'CREATE SCHEMA oracle',
  `CREATE TABLE oracle.history (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    candidate_id text NOT NULL,
    xid text NOT NULL,
    base_revision bigint,
    guarded boolean NOT NULL DEFAULT false,
    old_row jsonb,
    new_row jsonb
  )`,
  `CREATE INDEX ON oracle.history (candidate_id, xid) WHERE new_row IS NULL`,
  `CREATE FUNCTION oracle.note_base() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    INSERT INTO oracle.history (candidate_id, xid, base_revision, guarded, old_row)
    VALUES (OLD.id, pg_current_xact_id()::xid::text, NEW.revision,
      current_query() ~* '\\mWHERE\\M[^)]*\\mrevision\\M', to_jsonb(OLD));
    RETURN NEW;
  END $$`,
  `CREATE FUNCTION oracle.note_version() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF TG_OP = 'INSERT' THEN
      INSERT INTO oracle.history (candidate_id, xid, new_row)
      VALUES (NEW.id, pg_current_xact_id()::xid::text, to_jsonb(NEW));
    ELSE
      UPDATE oracle.history SET new_row = to_jsonb(NEW)
      WHERE candidate_id = OLD.id AND xid = pg_current_xact_id()::xid::text AND new_row IS NULL;
    END IF;
    RETURN NULL;
  END $$`,
  `CREATE TRIGGER a_oracle_base BEFORE UPDATE ON candidates
    FOR EACH ROW EXECUTE FUNCTION oracle.note_base()`,
  `CREATE TRIGGER z_oracle_version AFTER INSERT OR UPDATE ON candidates
    FOR EACH ROW EXECUTE FUNCTION oracle.note_version()`,
]
