import type { EntityRef } from '@syncproof/core/contract'
import { type RawBuilder, type SqlBool, sql } from 'kysely'

/** RFC 3339 in UTC with microseconds. Never by way of a JS Date, which would lose the microseconds. */
export function rfc3339(column: string): RawBuilder<string> {
  return sql`to_char(${sql.ref(column)} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`
}

/** `rfc3339` of a column that may be null. */
export function rfc3339OrNull(column: string): RawBuilder<string | null> {
  return rfc3339(column) as RawBuilder<string | null>
}

/** One jsonb parameter: text with a cast, because pg would send a JS array as a PostgreSQL array. */
export function jsonb(value: unknown): RawBuilder<unknown> {
  return sql`${JSON.stringify(value)}::jsonb`
}

/** Rows about an entity. The hash is what the index finds; the equalities are what makes it true. */
export function isEntity(entity: EntityRef): RawBuilder<SqlBool> {
  return sql`(entity_hash = syncproof.entity_hash(${entity.type}, ${entity.id})
    and entity_type = ${entity.type} and entity_id = ${entity.id})`
}

/** Rows about one of these entities. */
export function isOneOf(entities: readonly EntityRef[]): RawBuilder<SqlBool> {
  const types = entities.map((entity) => entity.type)
  const ids = entities.map((entity) => entity.id)
  return sql`(
    entity_hash in (select syncproof.entity_hash(type, id) from unnest(${types}::text[], ${ids}::text[]) as e(type, id))
    and (entity_type, entity_id) in (select type, id from unnest(${types}::text[], ${ids}::text[]) as e(type, id)))`
}

/** The smallest UUIDv7 of a millisecond: a bound for comparing ids with times. */
export function firstIdAt(timeMs: number): string {
  const hex = Math.max(0, Math.floor(timeMs)).toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`
}
