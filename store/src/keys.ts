import { createHash, randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { sql } from 'kysely'
import type { Database } from './database.ts'
import { jsonb } from './sql-text.ts'
import type { KeyRow, KeyStore, Scope } from './store.ts'

const PREFIX = 'sp_'

export function keyStore(db: Database): KeyStore {
  return {
    async create(projectId, name, scopes) {
      const key = makeKey()
      const id = await insertKey(db, projectId, name, key, scopes)
      if (id === undefined) throw new Error('A key of 256 random bits was already there')
      return { id, key }
    },
    async adopt(projectId, name, key, scopes) {
      await insertKey(db, projectId, name, key, scopes)
    },
    async exist() {
      const { rows } = await sql<{ exist: boolean }>`
        select exists (select from syncproof.api_keys) as exist`.execute(db)
      return rows[0]?.exist === true
    },
    async authenticate(key) {
      const { rows } = await sql<KeyRow>`
        select id, project_id as "projectId", scopes from syncproof.api_keys where sha256 = ${sha256(key)}`.execute(
        db,
      )
      return rows[0]
    },
  }
}

/** The checksum lets a scanner of source code tell a leaked key from text that only looks like one. */
function makeKey(): string {
  const secret = randomBytes(32).toString('base64url')
  const checksum = Buffer.alloc(4)
  checksum.writeUInt32BE(crc32(secret))
  return `${PREFIX}${secret}${checksum.toString('base64url')}`
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
    values (${projectId}, ${name}, ${sha256(key)}, ${jsonb(scopes)})
    on conflict (sha256) do nothing
    returning id`.execute(db)
  return rows[0]?.id
}

function sha256(key: string): Buffer {
  return createHash('sha256').update(key).digest()
}
