/** Statements, and in one line what each yields; see `summary`. */
export const corpus: Readonly<Record<string, readonly (readonly [sql: string, yields: string])[]>> = {
  reads: [
    ['SELECT * FROM candidates WHERE id = $1', 'select | candidates | id = $1 | after «SELECT *»'],
    [
      'select id, name from candidates where id = $1',
      'select | candidates | id = $1 | after «select id, name»',
    ],
    [
      'SELECT c.* FROM candidates c WHERE c.id = $1',
      'select | candidates as c | id = $1 | after «SELECT c.*»',
    ],
    [
      'SELECT * FROM public.candidates AS c WHERE c.id = $1 AND deleted_at IS NULL',
      'select | public.candidates as c | id = $1 | after «SELECT *»',
    ],
    [
      'SELECT * FROM "Candidate" WHERE "Candidate"."id" = $1',
      'select | Candidate | id = $1 | after «SELECT *»',
    ],
    ["SELECT * FROM candidates WHERE id = 'c1'", 'select | candidates | id = "c1" | after «SELECT *»'],
    ['SELECT * FROM candidates WHERE id = 42', 'select | candidates | id = 42 | after «SELECT *»'],
    ['SELECT * FROM candidates WHERE $1 = id', 'select | candidates | id = $1 | after «SELECT *»'],
    ['SELECT * FROM candidates WHERE id = $1::uuid', 'select | candidates | id = $1 | after «SELECT *»'],
    [
      'SELECT * FROM candidates WHERE id IN ($1, $2)',
      'select | candidates | id = $1 or $2 | after «SELECT *»',
    ],
    ['SELECT * FROM candidates WHERE id = ANY($1)', 'select | candidates | id = any $1 | after «SELECT *»'],
    [
      'SELECT * FROM candidates WHERE id = ANY($1::text[]) ORDER BY id LIMIT 10',
      'select | candidates | id = any $1 | after «SELECT *»',
    ],
    ['SELECT * FROM candidates WHERE id = ANY(ARRAY[1, 2])', 'select | candidates | after «SELECT *»'],
    ['SELECT * FROM candidates WHERE id NOT IN ($1)', 'select | candidates | after «SELECT *»'],
    ['SELECT * FROM candidates WHERE id = $1 OR name = $2', 'select | candidates | after «SELECT *»'],
    ['SELECT * FROM candidates WHERE NOT id = $1', 'select | candidates | after «SELECT *»'],
    ['SELECT * FROM candidates WHERE id > $1', 'select | candidates | after «SELECT *»'],
    ['SELECT * FROM candidates', 'select | candidates | after «SELECT *»'],
    ['SELECT * FROM candidates WHERE id = other_id', 'select | candidates | after «SELECT *»'],
    ['SELECT * FROM candidates WHERE d.id = $1', 'select | candidates | after «SELECT *»'],
    ['SELECT * FROM candidates WHERE (tenant, id) = ($1, $2)', 'select | candidates | after «SELECT *»'],
    [
      'SELECT * FROM candidates WHERE tenant = $1 AND id = $2',
      'select | candidates | tenant = $1, id = $2 | after «SELECT *»',
    ],
    [
      'SELECT *, \'é FROM x\' AS "ä" FROM candidates WHERE id = $1 -- FROM y',
      'select | candidates | id = $1 | after «SELECT *, \'é FROM x\' AS "ä"»',
    ],
    [
      '/* FROM z */ SELECT name /* , */ FROM candidates WHERE id = $1;',
      'select | candidates | id = $1 | after «/* FROM z */ SELECT name»',
    ],
    [
      'SELECT a IS DISTINCT FROM b AS differs FROM candidates WHERE id = $1',
      'select | candidates | id = $1 | after «SELECT a IS DISTINCT FROM b AS differs»',
    ],
    [
      'SELECT name AS from_name, 1 + score FROM candidates WHERE id = $1',
      'select | candidates | id = $1 | after «SELECT name AS from_name, 1 + score»',
    ],
    ['SELECT FROM candidates WHERE id = $1', 'select | candidates | id = $1 | carries nothing'],
  ],
  locks: [
    [
      'SELECT * FROM candidates WHERE id = $1 FOR UPDATE',
      'select | candidates | id = $1 | FOR UPDATE | after «SELECT *»',
    ],
    [
      'SELECT * FROM candidates WHERE id = $1 FOR NO KEY UPDATE',
      'select | candidates | id = $1 | FOR NO KEY UPDATE | after «SELECT *»',
    ],
    [
      'SELECT * FROM candidates WHERE id = $1 FOR SHARE',
      'select | candidates | id = $1 | FOR SHARE | after «SELECT *»',
    ],
    [
      'SELECT * FROM candidates WHERE id = $1 FOR KEY SHARE',
      'select | candidates | id = $1 | FOR KEY SHARE | after «SELECT *»',
    ],
    [
      'SELECT * FROM candidates c WHERE id = $1 FOR UPDATE OF c SKIP LOCKED',
      'select | candidates as c | id = $1 | FOR UPDATE | after «SELECT *»',
    ],
    [
      'SELECT * FROM candidates WHERE id = $1 FOR UPDATE NOWAIT',
      'select | candidates | id = $1 | FOR UPDATE | after «SELECT *»',
    ],
    [
      'SELECT * FROM candidates WHERE id = $1 FOR KEY SHARE FOR UPDATE',
      'select | candidates | id = $1 | FOR UPDATE | after «SELECT *»',
    ],
  ],
  'reads that cannot carry more columns': [
    ['SELECT DISTINCT name FROM candidates WHERE id = $1', 'select | candidates | id = $1 | carries nothing'],
    ['SELECT count(*) FROM candidates WHERE id = $1', 'select | candidates | id = $1 | carries nothing'],
    [
      'SELECT stage, max(score) FROM candidates WHERE id = $1 GROUP BY stage',
      'select | candidates | id = $1 | carries nothing',
    ],
    ['SELECT lower(name) FROM candidates WHERE id = $1', 'select | candidates | id = $1 | carries nothing'],
    [
      'SELECT my_function(name) FROM candidates WHERE id = $1',
      'select | candidates | id = $1 | also anything | carries nothing',
    ],
    [
      'SELECT name, (SELECT body FROM notes LIMIT 1) FROM candidates WHERE id = $1',
      'select | candidates | id = $1 | also notes | carries nothing',
    ],
    [
      'SELECT row_number() OVER () FROM candidates WHERE id = $1',
      'select | candidates | id = $1 | carries nothing',
    ],
  ],
  updates: [
    [
      'UPDATE candidates SET name = $1 WHERE id = $2',
      'update | candidates | id = $2 | name := $1 | «candidates» «name = $1» «id = $2»',
    ],
    [
      "UPDATE candidates SET stage = 'hired', score = 3, active = true, note = NULL WHERE id = $1",
      'update | candidates | id = $1 | stage := "hired", score := 3, active := true, note := null | «candidates» «stage = \'hired\', score = 3, active = true, note = NULL» «id = $1»',
    ],
    [
      'UPDATE candidates SET score = score + 1 WHERE id = $1',
      'update | candidates | id = $1 | score := expression | «candidates» «score = score + 1» «id = $1»',
    ],
    [
      'UPDATE candidates SET updated_at = now(), name = $1 WHERE id = $2',
      'update | candidates | id = $2 | updated_at := expression, name := $1 | «candidates» «updated_at = now(), name = $1» «id = $2»',
    ],
    [
      'UPDATE candidates SET name = DEFAULT WHERE id = $1',
      'update | candidates | id = $1 | name := expression | «candidates» «name = DEFAULT» «id = $1»',
    ],
    [
      'UPDATE candidates SET (name, score) = ($1, score + 1) WHERE id = $2',
      'update | candidates | id = $2 | name := $1, score := expression | «candidates» «(name, score) = ($1, score + 1)» «id = $2»',
    ],
    [
      'UPDATE candidates SET (name, stage) = (SELECT a, b FROM notes) WHERE id = $1',
      'update | candidates | id = $1 | also notes | name := expression, stage := expression | «candidates» «(name, stage) = (SELECT a, b FROM notes)» «id = $1»',
    ],
    [
      'UPDATE candidates SET tags[1] = $1, address.city = $2 WHERE id = $3',
      'update | candidates | id = $3 | tags := expression, address := expression | «candidates» «tags[1] = $1, address.city = $2» «id = $3»',
    ],
    [
      'UPDATE candidates SET data = $1::jsonb WHERE id = $2',
      'update | candidates | id = $2 | data := $1 | «candidates» «data = $1::jsonb» «id = $2»',
    ],
    [
      'UPDATE candidates SET data = data || \'{"a":1}\' WHERE id = $1',
      'update | candidates | id = $1 | data := expression | «candidates» «data = data || \'{"a":1}\'» «id = $1»',
    ],
    [
      'UPDATE candidates SET name = coalesce($1, name) WHERE id = $2',
      'update | candidates | id = $2 | name := expression | «candidates» «name = coalesce($1, name)» «id = $2»',
    ],
    [
      'UPDATE candidates SET name = upper($1) WHERE id = $2',
      'update | candidates | id = $2 | name := expression | «candidates» «name = upper($1)» «id = $2»',
    ],
    ['UPDATE candidates SET name = $1', 'update | candidates | name := $1 | whole'],
    [
      'UPDATE candidates SET name = $1 WHERE stage = $2',
      'update | candidates | stage = $2 | name := $1 | «candidates» «name = $1» «stage = $2»',
    ],
    [
      'UPDATE ONLY public.candidates AS c SET name = $1 WHERE c.id = $2 RETURNING *',
      'update | public.candidates as c | id = $2 | name := $1 | «ONLY public.candidates AS c» «name = $1» «c.id = $2» | «RETURNING *» with 1 *',
    ],
    [
      'UPDATE candidates SET name = $1 WHERE id = $2 RETURNING id, *, name AS n',
      'update | candidates | id = $2 | name := $1 | «candidates» «name = $1» «id = $2» | «RETURNING id, *, name AS n» with 1 *',
    ],
    [
      'UPDATE candidates c SET name = $1 WHERE id = $2 RETURNING c.*',
      'update | candidates as c | id = $2 | name := $1 | «candidates c» «name = $1» «id = $2» | «RETURNING c.*»',
    ],
    [
      'UPDATE set SET "set" = $1 WHERE id = $2',
      'update | set | id = $2 | set := $1 | «set» «"set" = $1» «id = $2»',
    ],
    [
      'UPDATE candidates SET name = $1 WHERE id IN ($2, $3)',
      'update | candidates | id = $2 or $3 | name := $1 | «candidates» «name = $1» «id IN ($2, $3)»',
    ],
    [
      'UPDATE candidates SET name = $1 WHERE id = ANY($2)',
      'update | candidates | id = any $2 | name := $1 | «candidates» «name = $1» «id = ANY($2)»',
    ],
    [
      'UPDATE "é" SET "ü" = \'WHERE\' WHERE id = $1 RETURNING *, \'ß\'',
      'update | é | id = $1 | ü := "WHERE" | «"é"» «"ü" = \'WHERE\'» «id = $1» | «RETURNING *, \'ß\'» with 1 *',
    ],
    [
      'UPDATE candidates SET name = $1 WHERE id = $2 AND random() < 0.5',
      'update | candidates | id = $2 | asked once | name := $1 | «candidates» «name = $1» «id = $2 AND random() < 0.5»',
    ],
    [
      'UPDATE candidates SET name = $1 WHERE id = $2 AND EXISTS (SELECT FROM notes)',
      'update | candidates | id = $2 | asked once | also notes | name := $1 | «candidates» «name = $1» «id = $2 AND EXISTS (SELECT FROM notes)»',
    ],
    [
      'UPDATE candidates SET name = $1 WHERE id = my_id()',
      'update | candidates | asked once | also anything | name := $1 | «candidates» «name = $1» «id = my_id()»',
    ],
    [
      'UPDATE candidates SET name = $1 WHERE CURRENT OF cur',
      'update | candidates | asked once | name := $1 | «candidates» «name = $1» «CURRENT OF cur»',
    ],
    [
      'UPDATE candidates SET name = $1 WHERE id = $2 AND lower(stage) = $3',
      'update | candidates | id = $2 | name := $1 | «candidates» «name = $1» «id = $2 AND lower(stage) = $3»',
    ],
    [
      'UPDATE candidates SET name = $1 WHERE id = $2 RETURNING WITH (OLD AS o) o.name',
      'update | candidates | id = $2 | name := $1 | «candidates» «name = $1» «id = $2» | «RETURNING WITH (OLD AS o) o.name»',
    ],
  ],
  guards: [
    [
      'UPDATE candidates SET name = $1, version = version + 1 WHERE id = $2 AND version = $3',
      'update | candidates | id = $2, version = $3 | name := $1, version := expression | guard version | «candidates» «name = $1, version = version + 1» «id = $2 AND version = $3»',
    ],
    [
      'UPDATE candidates SET name = $1, version = $4 WHERE id = $2 AND version = $3',
      'update | candidates | id = $2, version = $3 | name := $1, version := $4 | guard version | «candidates» «name = $1, version = $4» «id = $2 AND version = $3»',
    ],
    [
      'UPDATE candidates SET name = $1 WHERE id = $2 AND version = $3',
      'update | candidates | id = $2, version = $3 | name := $1 | «candidates» «name = $1» «id = $2 AND version = $3»',
    ],
    [
      "UPDATE candidates SET stage = 'b' WHERE id = $1 AND stage = 'a'",
      'update | candidates | id = $1, stage = "a" | stage := "b" | «candidates» «stage = \'b\'» «id = $1 AND stage = \'a\'»',
    ],
    [
      'UPDATE candidates SET name = $1, updated_at = now() WHERE id = $2 AND updated_at = $3',
      'update | candidates | id = $2, updated_at = $3 | name := $1, updated_at := expression | guard version | «candidates» «name = $1, updated_at = now()» «id = $2 AND updated_at = $3»',
    ],
    [
      'UPDATE candidates SET name = $1 WHERE id = $2 AND xmin = $3',
      'update | candidates | id = $2, xmin = $3 | name := $1 | guard version | «candidates» «name = $1» «id = $2 AND xmin = $3»',
    ],
    [
      'UPDATE candidates SET name = $1, version = version + 1 WHERE id = $2 OR version = $3',
      'update | candidates | name := $1, version := expression | «candidates» «name = $1, version = version + 1» «id = $2 OR version = $3»',
    ],
    [
      'UPDATE candidates SET version = version + 1 WHERE id = $1 AND version IN ($2, $3)',
      'update | candidates | id = $1, version = $2 or $3 | version := expression | «candidates» «version = version + 1» «id = $1 AND version IN ($2, $3)»',
    ],
  ],
  deletes: [
    ['DELETE FROM candidates WHERE id = $1', 'delete | candidates | id = $1'],
    ['DELETE FROM candidates', 'delete | candidates'],
    [
      'DELETE FROM public.candidates AS c WHERE c.id = $1 RETURNING *',
      'delete | public.candidates as c | id = $1 | «RETURNING *» with 1 *',
    ],
    ['DELETE FROM candidates WHERE id IN (1, 2)', 'delete | candidates | id = 1 or 2'],
    ['DELETE FROM candidates WHERE id = $1 AND version = $2', 'delete | candidates | id = $1, version = $2'],
    [
      'DELETE FROM candidates USING notes WHERE notes.id = $1',
      'unknown | DELETE … USING | touches candidates, notes | may write',
    ],
  ],
  inserts: [
    ['INSERT INTO candidates (id, name) VALUES ($1, $2)', 'insert | candidates | id, name | ($1, $2)'],
    [
      "INSERT INTO candidates VALUES ($1, 'Ann', now())",
      'insert | candidates | all columns | ($1, "Ann", expression)',
    ],
    ['INSERT INTO candidates DEFAULT VALUES', 'insert | candidates | all columns | ()'],
    [
      'INSERT INTO candidates (id) VALUES ($1), ($2) RETURNING id',
      'insert | candidates | id | ($1) ($2) | «RETURNING id»',
    ],
    [
      'INSERT INTO candidates (id, name) VALUES ($1, DEFAULT) ON CONFLICT DO NOTHING',
      'insert | candidates | id, name | ($1, expression) | on conflict nothing',
    ],
    [
      'INSERT INTO candidates (id, name) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name RETURNING *',
      'insert | candidates | id, name | ($1, $2) | on conflict update | «RETURNING *» with 1 *',
    ],
    [
      'INSERT INTO candidates AS c (id) VALUES ($1) ON CONFLICT (id) DO UPDATE SET score = c.score + 1 WHERE c.version = $2',
      'insert | candidates as c | id | ($1) | on conflict update',
    ],
    [
      'INSERT INTO candidates (id) SELECT id FROM notes',
      'insert | candidates | id | from a query | also notes',
    ],
    [
      'INSERT INTO candidates (id) SELECT $1 WHERE NOT EXISTS (SELECT FROM candidates WHERE id = $1)',
      'insert | candidates | id | from a query | also candidates',
    ],
    [
      'INSERT INTO candidates (id) VALUES (my_function())',
      'insert | candidates | id | (expression) | also anything',
    ],
    [
      'INSERT INTO candidates (id, seq) VALUES ($1, (SELECT max(seq) + 1 FROM counters))',
      'insert | candidates | id, seq | ($1, expression) | also counters',
    ],
    [
      'INSERT INTO candidates OVERRIDING SYSTEM VALUE VALUES ($1)',
      'insert | candidates | all columns | ($1)',
    ],
  ],
  transactions: [
    ['BEGIN', 'begin'],
    ['begin;', 'begin'],
    ['START TRANSACTION', 'begin'],
    ['BEGIN ISOLATION LEVEL SERIALIZABLE', 'begin | isolation serializable'],
    ['START TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY', 'begin | isolation repeatable read'],
    ['BEGIN READ WRITE', 'begin'],
    ['SET TRANSACTION ISOLATION LEVEL READ COMMITTED', 'set_isolation | isolation read committed'],
    ['COMMIT', 'commit'],
    ['END', 'commit'],
    ['COMMIT AND CHAIN', 'commit | chain true'],
    ['ROLLBACK', 'rollback'],
    ['ABORT', 'rollback'],
    ['ROLLBACK AND CHAIN', 'rollback | chain true'],
    ['SAVEPOINT a', 'savepoint | name a'],
    ['SAVEPOINT "A b"', 'savepoint | name A b'],
    ['RELEASE a', 'release | name a'],
    ['RELEASE SAVEPOINT a', 'release | name a'],
    ['ROLLBACK TO a', 'rollback_to | name a'],
    ['ROLLBACK TO SAVEPOINT a', 'rollback_to | name a'],
    ["PREPARE TRANSACTION 'x'", 'unknown | two-phase commit | may write | may end a transaction'],
    ["COMMIT PREPARED 'x'", 'unknown | two-phase commit | may write | may end a transaction'],
  ],
  settings: [
    ['SET search_path = tenant', 'session'],
    ['SET LOCAL statement_timeout = 1000', 'session'],
    ['SET ROLE app', 'session | changesRole true'],
    ['RESET ROLE', 'session | changesRole true'],
    ['SET SESSION AUTHORIZATION app', 'session | changesRole true'],
    ['RESET ALL', 'session | changesRole true'],
    ['DISCARD ALL', 'session | changesRole true'],
    ['SHOW server_version', 'session'],
    ['LISTEN changes', 'session'],
    ["NOTIFY changes, 'x'", 'session'],
    ['DEALLOCATE ALL', 'session'],
    ['SET CONSTRAINTS ALL DEFERRED', 'session'],
    ['SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE', 'session'],
  ],
  'what cannot be told': [
    ['SELECT 1', 'unknown | not of one table'],
    ['SELECT now()', 'unknown | not of one table'],
    ['SELECT my_function($1)', 'unknown | not of one table | touches anything | may write'],
    ['SELECT app.now()', 'unknown | not of one table | touches anything | may write'],
    ['SELECT set_config($1, $2, true)', 'unknown | not of one table | touches anything | may write'],
    ['SELECT pg_advisory_xact_lock($1)', 'unknown | not of one table'],
    ['SELECT * FROM my_function($1)', 'unknown | not of one table | touches anything | may write'],
    [
      'SELECT * FROM candidates c JOIN notes n ON n.candidate_id = c.id WHERE c.id = $1',
      'unknown | not of one table | touches candidates, notes',
    ],
    ['SELECT * FROM candidates, notes', 'unknown | not of one table | touches candidates, notes'],
    ['SELECT * FROM (SELECT * FROM candidates) AS s', 'unknown | not of one table | touches candidates'],
    [
      'SELECT id FROM candidates UNION SELECT id FROM notes',
      'unknown | not of one table | touches candidates, notes',
    ],
    [
      'SELECT * INTO copies FROM candidates',
      'unknown | a query of more than rows | touches copies, candidates',
    ],
    ['TABLE candidates', 'select | candidates | carries nothing'],
    ['VALUES (1)', 'unknown | not of one table'],
    ['WITH c AS (SELECT * FROM candidates) SELECT * FROM c', 'unknown | WITH | touches c, candidates'],
    [
      'WITH d AS (DELETE FROM candidates RETURNING *) SELECT * FROM d',
      'unknown | WITH | touches d, candidates | may write',
    ],
    [
      'WITH n AS (SELECT 1) UPDATE candidates SET name = $1 WHERE id = $2',
      'unknown | WITH | touches candidates | may write',
    ],
    [
      'UPDATE candidates SET name = n.body FROM notes n WHERE n.candidate_id = candidates.id',
      'unknown | UPDATE … FROM | touches candidates, notes | may write',
    ],
    [
      'MERGE INTO candidates c USING notes n ON c.id = n.candidate_id WHEN MATCHED THEN UPDATE SET name = n.body',
      'unknown | MergeStmt | touches anything | may write',
    ],
    ['COPY candidates FROM STDIN', 'unknown | CopyStmt | touches anything | may write'],
    ['COPY candidates TO STDOUT', 'unknown | CopyStmt | touches anything | may write'],
    ['DO $$ BEGIN END $$', 'unknown | DoStmt | touches anything | may write | may end a transaction'],
    ['CALL my_procedure($1)', 'unknown | CallStmt | touches anything | may write | may end a transaction'],
    ['EXECUTE plan (1)', 'unknown | ExecuteStmt | touches anything | may write | may end a transaction'],
    [
      "PREPARE plan AS UPDATE candidates SET name = 'x'",
      'unknown | PrepareStmt | touches anything | may write',
    ],
    [
      'EXPLAIN ANALYZE UPDATE candidates SET name = $1',
      'unknown | ExplainStmt | touches anything | may write',
    ],
    [
      'DECLARE c CURSOR FOR SELECT * FROM candidates',
      'unknown | DeclareCursorStmt | touches anything | may write',
    ],
    ['FETCH 5 FROM c', 'unknown | FetchStmt | touches anything | may write'],
    ['TRUNCATE candidates', 'unknown | TruncateStmt | touches anything | may write'],
    ['LOCK TABLE candidates', 'unknown | LockStmt | touches anything | may write'],
    ['CREATE TABLE t (id int)', 'unknown | CreateStmt | touches anything | may write'],
    ['ALTER TABLE candidates ADD COLUMN x int', 'unknown | AlterTableStmt | touches anything | may write'],
    ['VACUUM candidates', 'unknown | VacuumStmt | touches anything | may write'],
    [
      'BEGIN; UPDATE candidates SET name = 1; COMMIT',
      'unknown | more than one statement | touches candidates | may write | may end a transaction',
    ],
    ['SELECT 1; SELECT 2', 'unknown | more than one statement | may write | may end a transaction'],
    ['SELEC 1', 'unknown | not understood | touches anything | may write | may end a transaction'],
    ['', 'unknown | not understood | touches anything | may write | may end a transaction'],
    ['-- nothing', 'unknown | no statement'],
    [
      'REFRESH MATERIALIZED VIEW candidate_counts',
      'unknown | RefreshMatViewStmt | touches anything | may write',
    ],
  ],
}
