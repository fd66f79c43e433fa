import { sql } from 'kysely'
import type { Database, Tx } from './database.ts'
import { lockPartitions } from './locks.ts'
import {
  type Declared,
  functionRights,
  roleOf,
  SERVICES,
  type Service,
  sequenceRights,
  tableRights,
} from './role-rights.ts'

const ROLES = SERVICES.map(roleOf)

/** Makes the roles that are missing. Roles are of the whole server: another Syncproof on it has them already.
 *  @throws the driver's error (SQLSTATE 42501) for who may not make roles */
export async function createRoles(db: Database): Promise<void> {
  const missing = await missingRoles(db)
  for (const role of missing) await sql.raw(createRole(role)).execute(db)
}

/** Gives the roles exactly their rights in this database, and takes away what they have beside them. Where they are not all
 *  there, nothing is done. To be called by who owns the schema. */
export async function grantRoles(tx: Tx): Promise<void> {
  if ((await missingRoles(tx)).length > 0) return
  await lockPartitions(tx)
  for (const statement of grantStatements()) await sql.raw(statement).execute(tx)
}

async function missingRoles(db: Database): Promise<readonly string[]> {
  const { rows } = await sql<{ rolname: string }>`
    select rolname from pg_roles where rolname = any(${ROLES}::text[])`.execute(db)
  const known = new Set(rows.map((row) => row.rolname))
  return ROLES.filter((role) => !known.has(role))
}

function createRole(role: string): string {
  return `create role ${role} nologin`
}

/** Everything that `createRoles` and `grantRoles` do, as docs/operations/database-roles.md shows it. */
export function roleStatements(): readonly string[] {
  return [...ROLES.map(createRole), ...grantStatements()]
}

function grantStatements(): readonly string[] {
  const everybody = ROLES.join(', ')
  return [
    `revoke all on table ${names(tableRights)}\n  from ${everybody}`,
    `revoke all on sequence ${names(sequenceRights)} from ${everybody}`,
    // PUBLIC may call any function until it is told otherwise
    `revoke all on function ${names(functionRights)}\n  from public, ${everybody}`,
    `grant usage on schema syncproof to ${everybody}`,
    ...SERVICES.flatMap((service) => [
      ...grants(service, 'table', tableRights),
      ...grants(service, 'sequence', sequenceRights),
      ...grants(service, 'function', functionRights),
    ]),
  ]
}

function names(rights: Declared): string {
  return Object.keys(rights)
    .map((name) => `syncproof.${name}`)
    .join(', ')
}

function grants(
  service: Service,
  kind: 'table' | 'sequence' | 'function',
  declared: Declared,
): readonly string[] {
  return Object.entries(declared).flatMap(([name, { [service]: rights }]) =>
    rights === undefined
      ? []
      : `grant ${rights.join(', ')} on ${kind} syncproof.${name} to ${roleOf(service)}`,
  )
}
