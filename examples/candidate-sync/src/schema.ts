/** What node-postgres and PGlite's pool both offer, as far as this app needs it. */
export interface Queryable {
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>
}

/** Creates the app's table where it is not there yet. */
export async function createSchema(database: Queryable): Promise<void> {
  for (const statement of statements) await database.query(statement)
}

const statements = [
  'CREATE SEQUENCE IF NOT EXISTS candidate_revisions',
  `CREATE TABLE IF NOT EXISTS candidates (
    id text PRIMARY KEY,
    name text NOT NULL,
    email text NOT NULL,
    phone text,
    stage text NOT NULL,
    score integer NOT NULL,
    notes text,
    "updatedBy" text NOT NULL,
    "updatedAt" timestamptz(3) NOT NULL,
    revision bigint NOT NULL DEFAULT nextval('candidate_revisions')
  )`,
  `CREATE OR REPLACE FUNCTION candidates_next_revision() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    NEW.revision := nextval('candidate_revisions');
    RETURN NEW;
  END $$`,
  `CREATE OR REPLACE TRIGGER candidates_revision BEFORE UPDATE ON candidates
    FOR EACH ROW EXECUTE FUNCTION candidates_next_revision()`,
]
