import { createHash, timingSafeEqual } from 'node:crypto'
import { sql } from 'kysely'
import type { Database } from './database.ts'
import { sqlState } from './errors.ts'
import { makeKey } from './key-format.ts'
import { SHADOW_PROJECT } from './shadow-project.ts'
import { rfc3339, rfc3339OrNull } from './sql-text.ts'
import type { ApiKey, KeyAnswer, KeyRow, KeyStore, Scope } from './store.ts'

/** Bytes of a key's hash that the database looks it up by; the others are compared here. */
const LOOKUP_BYTES = 8
const HASH_BYTES = 32
const USE_NOTED_EVERY_S = 60
const INSUFFICIENT_PRIVILEGE = '42501'
/** A round trip takes seconds: what is older was left by a doctor that was killed. */
const SHADOW_LIFE_S = 600

export function keyStore(db: Database): KeyStore {
  return {
    async create(projectId, name, scopes) {
      const key = makeKey()
      const id = await insertKey(db, projectId, name, key, scopes)
      if (id === undefined) throw new Error('A key of 256 random bits was already there')
      return { id, key }
    },
    async adopt(projectId, name, key, scopes) {
      const known = await authenticate(db, key)
      if (known !== 'unknown') return known
      try {
        await insertKey(db, projectId, name, key, scopes)
      } catch (error) {
        if (sqlState(error) !== INSUFFICIENT_PRIVILEGE) throw error
      }
      return authenticate(db, key)
    },
    async exist() {
      const { rows } = await sql<{ exist: boolean }>`
        select exists (
          select from syncproof.api_keys where revoked_at is null and project_id <> ${SHADOW_PROJECT}) as exist`.execute(
        db,
      )
      return rows[0]?.exist === true
    },
    authenticate: (key) => authenticate(db, key),
    used: (ids) => noteUse(db, ids),
    list: (projectId) => listKeys(db, projectId),
    revoke: (id, projectId) => revokeKey(db, id, projectId),
    async forgetShadow() {
      await sql`
        delete from syncproof.api_keys
        where project_id = ${SHADOW_PROJECT} and (revoked_at is not null
          or created_at < clock_timestamp() - make_interval(secs => ${SHADOW_LIFE_S}))`.execute(db)
    },
  }
}

/** @returns the new key's id, or undefined where the key is known already */
async function insertKey(
  db: Database,
  projectId: string,
  name: string,
  key: string,
  scopes: readonly Scope[],
): Promise<string | undefined> {
  const { rows } = await sql<{ id: string }>`
    insert into syncproof.api_keys (project_id, name, sha256, scopes)
    values (${projectId}, ${name}, ${sha256(key)}, ${JSON.stringify(scopes)}::jsonb)
    on conflict (sha256) do nothing
    returning id`.execute(db)
  return rows[0]?.id
}

/** The index on the hash finds what begins as it does: at most one row, unless somebody searched 2^32 keys for two. */
async function authenticate(db: Database, key: string): Promise<KeyAnswer> {
  const hash = sha256(key)
  const from = Buffer.alloc(HASH_BYTES, 0x00)
  const until = Buffer.alloc(HASH_BYTES, 0xff)
  for (const bound of [from, until]) hash.copy(bound, 0, 0, LOOKUP_BYTES)
  const { rows } = await sql<KeyRow & { sha256: Buffer; revoked: boolean }>`
    select id, project_id as "projectId", scopes, sha256, revoked_at is not null as revoked
    from syncproof.api_keys
    where sha256 between ${from} and ${until}`.execute(db)
  const row = rows.find((candidate) => timingSafeEqual(candidate.sha256, hash))
  if (row === undefined) return 'unknown'
  const { id, projectId, scopes, revoked } = row
  return revoked ? 'revoked' : { id, projectId, scopes }
}

/** Rows that somebody else is writing are left alone: nobody waits, and two who note the same keys cannot deadlock. */
async function noteUse(db: Database, ids: readonly string[]): Promise<void> {
  await sql`
    update syncproof.api_keys set last_used_at = clock_timestamp()
    where id in (
      select id from syncproof.api_keys
      where id = any(${ids}::text[])
        and (last_used_at is null or last_used_at < clock_timestamp() - make_interval(secs => ${USE_NOTED_EVERY_S}))
      for no key update skip locked)`.execute(db)
}

const columns = sql`id, project_id as project, name, scopes, ${rfc3339('created_at')} as created_at,
  ${rfc3339OrNull('last_used_at')} as last_used_at, ${rfc3339OrNull('revoked_at')} as revoked_at`

async function listKeys(db: Database, projectId: string | undefined): Promise<readonly ApiKey[]> {
  const { rows } = await sql<ApiKey>`
    select ${columns} from syncproof.api_keys as keys
    where ${projectId ?? null}::text is null or project_id = ${projectId ?? null}
    order by keys.created_at desc, id`.execute(db)
  return rows
}

async function revokeKey(
  db: Database,
  id: string,
  projectId: string | undefined,
): Promise<ApiKey | undefined> {
  const { rows } = await sql<ApiKey>`
    update syncproof.api_keys set revoked_at = coalesce(revoked_at, clock_timestamp())
    where id = ${id} and (${projectId ?? null}::text is null or project_id = ${projectId ?? null})
    returning ${columns}`.execute(db)
  return rows[0]
}

function sha256(key: string): Buffer {
  return createHash('sha256').update(key).digest()
}
