import { readFileSync } from 'node:fs'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startPostgres, type ThrowawayPostgres } from '../../tools/testing/throwaway-servers.ts'
import { migrateStore, openStore } from '../src/index.ts'
import {
  type Declared,
  functionRights,
  roleOf,
  SERVICES,
  sequenceRights,
  tableRights,
} from '../src/role-rights.ts'
import { roleStatements } from '../src/roles.ts'
import { newProcess, operation } from './make-events.ts'

/** By the role's service, in the words of a GRANT, sorted. */
type Rights = Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>

/** Roles are of a whole server, so these tests have one of their own. */
let server: ThrowawayPostgres
let owner: pg.Client

beforeAll(async () => {
  server = await startPostgres()
  await migrateStore({ url: server.url }, { roles: true })
  owner = new pg.Client({ connectionString: server.url })
  await owner.connect()
  const store = openStore({ url: server.url })
  await store.events.append('default', newProcess(), operation())
  await store.close()
})
afterAll(async () => {
  await owner?.end()
  await server?.stop()
})

describe('the roles of the services', () => {
  it('have exactly the rights that are declared for every table, sequence and function of the schema, and no other', async () => {
    expect(await tables()).toEqual(declared(tableRights))
    expect(await sequences()).toEqual(declared(sequenceRights))
    expect(await definerFunctions()).toEqual(declared(functionRights))
    expect(await rightsOnPartitions()).toEqual([])
  })

  it('keep what a later release gave them when an older one migrates: it knows nothing of it', async () => {
    const mayDelete = async () => {
      const { rows } = await owner.query(
        `select has_table_privilege('syncproof_reports', 'syncproof.findings', 'delete') as may`,
      )
      return rows[0].may
    }
    await owner.query(`insert into syncproof.migrations (name) values ('9999_01_01_1_next')`)
    await owner.query('grant delete on syncproof.findings to syncproof_reports')
    expect(await migrateStore({ url: server.url }, { roles: true })).toEqual([])
    expect(await mayDelete()).toBe(true)
    await owner.query(`delete from syncproof.migrations where name = '9999_01_01_1_next'`)
    await migrateStore({ url: server.url })
    expect(await mayDelete()).toBe(false)
  })

  it('may log in, make or own nothing, and belong to no other role', async () => {
    const { rows } = await owner.query(`
      select rolname, rolcanlogin or rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls as may,
        has_schema_privilege(oid, 'syncproof', 'create') or has_schema_privilege(oid, 'public', 'create')
          or has_database_privilege(oid, current_database(), 'create') as makes,
        exists (select from pg_auth_members where member = pg_roles.oid) as belongs,
        exists (select from pg_class where relowner = pg_roles.oid) as owns
      from pg_roles where rolname like 'syncproof%' order by rolname`)
    const nothing = { may: false, makes: false, belongs: false, owns: false }
    expect(rows).toEqual(
      SERVICES.map(roleOf)
        .sort()
        .map((rolname) => ({ rolname, ...nothing })),
    )
  })

  it.each<[service: string, statement: string]>([
    ['collector', 'select from syncproof.findings'],
    ['collector', 'select from syncproof.reports'],
    [
      'collector',
      "insert into syncproof.api_keys (project_id, name, sha256, scopes) values ('p', 'n', '', '[]')",
    ],
    ['collector', "update syncproof.api_keys set scopes = '[]'"],
    ['collector', 'update syncproof.api_keys set revoked_at = null'],
    ['collector', 'delete from syncproof.events'],
    ['collector', "update syncproof.events set payload = '{}'"],
    ['collector', 'truncate syncproof.events'],
    ['collector', 'create table syncproof.mine ()'],
    ['collector', 'drop table syncproof.findings'],
    ['collector', 'alter table syncproof.events disable trigger all'],
    ['collector', "select syncproof.detach_event_partition('events', current_date)"],
    ['collector', 'set role syncproof_reconciler'],
    ['reports', 'select syncproof.ensure_event_partitions(array[current_date])'],
    ['reports', "update syncproof.findings set verdict = 'hazard'"],
    ['reports', 'delete from syncproof.findings'],
    ['reports', "update syncproof.reports set result = 'clean'"],
    [
      'reports',
      "insert into syncproof.reports (project_id, pair, trigger, result) values ('p', 'p', 'request', 'clean')",
    ],
    ['reports', 'delete from syncproof.pairs'],
    ['reconciler', 'insert into syncproof.events select * from syncproof.events'],
    ['reconciler', 'select from syncproof.api_keys'],
    ['reconciler', 'delete from syncproof.migrations'],
  ])('%s may not: %s', async (service, statement) => {
    await expect(as(service, statement)).rejects.toMatchObject({ code: '42501' })
  })

  it('get the rights to what is new, and lose what somebody granted beside, when the database is migrated again', async () => {
    await owner.query('revoke insert on syncproof.events from syncproof_collector')
    await owner.query('grant delete, truncate on syncproof.findings to syncproof_reports')
    await owner.query('grant update (payload) on syncproof.events to syncproof_reports')
    await owner.query('grant execute on function syncproof.drop_detached_partitions() to public')
    expect(await tables()).not.toEqual(declared(tableRights))
    await migrateStore({ url: server.url })
    expect(await tables()).toEqual(declared(tableRights))
    expect(await definerFunctions()).toEqual(declared(functionRights))
  })

  it('get their rights while others migrate the same database and make its first days', async () => {
    for (const name of ['first', 'second', 'third']) {
      await owner.query(`create database ${name}`)
      const url = new URL(server.url)
      url.pathname = name
      await Promise.all(Array.from({ length: 6 }, () => migrateStore({ url: url.href }, { roles: true })))
    }
  })

  it('are made only where that is asked for, and may have been made by somebody else before', async () => {
    const other = await startPostgres()
    const client = new pg.Client({ connectionString: other.url })
    await client.connect()
    try {
      const roles = async () =>
        (await client.query("select rolname from pg_roles where rolname like 'syncproof%'")).rows.length
      await migrateStore({ url: other.url })
      expect(await roles()).toBe(0)
      await client.query(`create role ${roleOf('reports')} nologin`)
      await migrateStore({ url: other.url }, { roles: true })
      expect(await roles()).toBe(SERVICES.length)
    } finally {
      await client.end()
      await other.stop()
    }
  })

  it('are made by the statements that docs/operations/database-roles.md shows', () => {
    const page = readFileSync(new URL('../../docs/operations/database-roles.md', import.meta.url), 'utf8')
    const shown = /```sql\n-- all of it\n([\s\S]*?)```/.exec(page)?.[1] ?? ''
    expect(shown).toBe(`${roleStatements().join(';\n')};\n`)
  })
})

async function as(service: string, statement: string): Promise<void> {
  const login = `test_${service}`
  await owner.query(`drop role if exists ${login}`)
  await owner.query(`create role ${login} login in role syncproof_${service}`)
  const url = new URL(server.url)
  url.username = login
  const client = new pg.Client({ connectionString: url.href })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}

function declared(rights: Declared): Rights {
  return Object.fromEntries(
    Object.entries(rights).map(([name, byService]) => [
      name,
      Object.fromEntries(Object.entries(byService).map(([service, list]) => [service, [...list].sort()])),
    ]),
  )
}

interface Held {
  readonly name: string
  readonly service: string
  readonly right: string
}

/** What a query finds to be held, of every object that it names: with a null right for one on which nothing is. */
async function held(query: string): Promise<Rights> {
  const { rows } = await owner.query<{ name: string } & { [K in 'service' | 'right']: string | null }>(query)
  const names = [...new Set(rows.map((row) => row.name))]
  const isHeld = (row: object): row is Held => 'right' in row && row.right !== null
  return Object.fromEntries(
    names.map((name) => {
      const own = rows.filter(isHeld).filter((row) => row.name === name)
      const services = Map.groupBy(own, (row) => row.service)
      return [
        name,
        Object.fromEntries(
          [...services].map(([service, list]) => [service, list.map((row) => row.right).sort()]),
        ),
      ]
    }),
  )
}

const BY_SERVICE = `(values ${SERVICES.map((service) => `('${roleOf(service)}', '${service}')`).join(', ')}) as roles(role, service)`
const TABLE_RIGHTS = `unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger'])`

/** Of whole tables, and of columns where it is not of the table. By whatever way it is held, PUBLIC too. */
function tables(): Promise<Rights> {
  return held(`
    select relname as name, given.service, given.right
    from pg_class left join lateral (
      select service, "right"
      from ${BY_SERVICE}, ${TABLE_RIGHTS} as "right"
      where has_table_privilege(role, pg_class.oid, "right")
      union all
      select service, format('%s (%s)', "right", string_agg(attname, ', ' order by attnum))
      from ${BY_SERVICE}, unnest(array['select', 'insert', 'update', 'references']) as "right",
        (select attname, attnum from pg_attribute
          where attrelid = pg_class.oid and attnum > 0 and not attisdropped) as columns
      where not has_table_privilege(role, pg_class.oid, "right")
        and has_column_privilege(role, pg_class.oid, attnum, "right")
      group by service, "right") as given on true
    where relnamespace = 'syncproof'::regnamespace and relkind in ('r', 'p', 'v', 'm', 'f') and not relispartition
    order by 1, 2, 3`)
}

function sequences(): Promise<Rights> {
  return held(`
    select relname as name, given.service, given.right
    from pg_class left join lateral (
      select service, "right"
      from ${BY_SERVICE}, unnest(array['usage', 'select', 'update']) as "right"
      where has_sequence_privilege(role, pg_class.oid, "right")) as given on true
    where relnamespace = 'syncproof'::regnamespace and relkind = 'S'
    order by 1, 2, 3`)
}

/** Those that run as their owner, each with a search_path that nobody else can put anything into. */
async function definerFunctions(): Promise<Rights> {
  const { rows } = await owner.query(`
    select proname from pg_proc
    where pronamespace = 'syncproof'::regnamespace and prosecdef
      and not coalesce('search_path=pg_catalog, pg_temp' = any(proconfig), false)`)
  expect(rows).toEqual([])
  return held(`
    select format('%s(%s)', proname, oidvectortypes(proargtypes)) as name, given.service, given.right
    from pg_proc left join lateral (
      select service, 'execute' as "right" from ${BY_SERVICE} where has_function_privilege(role, pg_proc.oid, 'execute')
      ) as given on true
    where pronamespace = 'syncproof'::regnamespace and prosecdef
    order by 1, 2, 3`)
}

async function rightsOnPartitions(): Promise<readonly unknown[]> {
  const { rows } = await owner.query(`
    select relname, role, "right"
    from pg_class, ${BY_SERVICE}, ${TABLE_RIGHTS} as "right"
    where relnamespace = 'syncproof'::regnamespace and relispartition and has_table_privilege(role, pg_class.oid, "right")`)
  return rows
}
