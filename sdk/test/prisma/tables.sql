CREATE TYPE stage AS ENUM ('new', 'hired');
CREATE TABLE candidates (
  id text PRIMARY KEY,
  name text,
  stage stage NOT NULL DEFAULT 'new',
  tags jsonb NOT NULL DEFAULT '[]',
  score int NOT NULL DEFAULT 0,
  salary numeric(10, 2),
  updated_at timestamptz
);
CREATE TABLE notes (
  id serial PRIMARY KEY,
  candidate_id text NOT NULL REFERENCES candidates,
  text text NOT NULL
);
