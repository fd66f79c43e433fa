import { type FieldRule, limits } from '@syncproof/core/contract'
import type { Column } from './catalogue.ts'

/** How the database makes the bytes of a value that are hashed. Equal bytes of one encoding are one value, and one that
 *  the rule can read: so they agree by the rule, whatever it makes of it. Unequal bytes say nothing yet. */
export interface Encoding {
  /** Of both sides; equal names are equal encodings. */
  readonly name: string
  /** SQL of one value of a type of PostgreSQL itself; the column is quoted. */
  value(column: string): string
  /** SQL that is false for a value that rules cannot read, though they read others of the type. */
  sure?: ((column: string) => string) | undefined
}

/** Undefined where not every value of the column is one that the rule reads: then records have to be looked at.
 *  @param zone of `timestamp` columns */
export function encodingOf(column: Column, rule: FieldRule, zone: string | undefined): Encoding | undefined {
  if (!PLAIN_KINDS.has(rule.kind)) return undefined
  if (column.isArray)
    return readsJson(rule) ? { ...json, value: (name) => `pg_catalog.to_json(${name})::text` } : undefined
  const found = Object.hasOwn(kinds, column.baseType) ? kinds[column.baseType] : anyText
  return found?.(rule, column, zone)
}

/** Rules that read a value by its type alone: one that reads the extremes of a type reads all of it. */
const PLAIN_KINDS = new Set([
  'auto',
  'text',
  'integer',
  'decimal',
  'instant',
  'day',
  'date',
  'boolean',
  'json',
])

type Kind = (rule: FieldRule, column: Column, zone: string | undefined) => Encoding | undefined

const reads = (rule: FieldRule, ...values: readonly string[]) =>
  values.every((value) => rule.canonical(value) !== undefined)
const readsJson = ({ kind }: FieldRule) => kind === 'json' || kind === 'auto'

const asText: Encoding = { name: 'text', value: (column) => `${column}::text` }

/** These take every text; how others choose is not known here. */
const anyText: Kind = (rule) => {
  if (rule.kind === 'text') return asText
  return readsJson(rule) ? { ...asText, sure: (column) => isShort(`${column}::text`) } : undefined
}

/** A rule for numbers that reads the longest reads all: more digits is the only thing that they refuse. */
const integer: Kind = (rule) =>
  reads(rule, '-9223372036854775808', '9223372036854775807')
    ? { name: 'int8', value: (column) => `${column}::int8` }
    : undefined

const NUMERIC_DIGITS_MAX = 16_383

const numeric: Kind = (rule, { scale = NUMERIC_DIGITS_MAX }) => {
  const longest = scale === 0 ? '1' : `0.${'0'.repeat(scale - 1)}1`
  if (!reads(rule, longest)) return undefined
  return {
    name: 'numeric',
    value: (column) => `pg_catalog.trim_scale(${column})`,
    // NaN is greater than all
    sure: (column) => `${column} < 'Infinity' and ${column} > '-Infinity'`,
  }
}

const float =
  (name: string): Kind =>
  (rule) =>
    reads(rule, '1e-40', '1e300', '0.1')
      ? {
          name,
          value: (column) => column,
          sure: (column) => `${column} < 'Infinity' and ${column} > '-Infinity'`,
        }
      : undefined

const boolean: Kind = (rule) =>
  rule.canonical(true) !== undefined && rule.canonical(false) !== undefined
    ? { name: 'bool', value: (column) => column }
    : undefined

const date: Kind = (rule) =>
  reads(rule, '2024-02-29', '0001-01-01', '9999-12-31')
    ? {
        name: 'date',
        value: (column) => column,
        sure: (column) => `${column} between '0001-01-01' and '9999-12-31'`,
      }
    : undefined

const instant: Encoding = {
  name: 'timestamptz',
  value: (column) => column,
  sure: (column) => `${column} between '0001-01-02 00:00:00+00' and '9999-12-30 00:00:00+00'`,
}
const readsInstants = (rule: FieldRule) => reads(rule, '2024-02-29T23:59:59.999999Z', '0001-01-02T00:00:00Z')

const timestamptz: Kind = (rule) => (readsInstants(rule) ? instant : undefined)

const timestamp: Kind = (rule, _, zone) => {
  if (zone === undefined || !readsInstants(rule)) return undefined
  const inZone = (column: string) => `(${column} at time zone '${zone.replaceAll("'", "''")}')`
  return { ...instant, value: inZone, sure: (column) => instant.sure?.(inZone(column)) ?? 'true' }
}

/** Canonical values have a longest and a deepest; a text this short cannot become longer. */
const JSON_BYTES_MAX = limits.canonicalLengthMax / 16
const isShort = (text: string) => `octet_length(${text}) <= ${JSON_BYTES_MAX}`

const json: Encoding = {
  name: 'json',
  value: (column) => `${column}::text`,
  sure: (column) =>
    `${isShort(`${column}::text`)} and length(translate(${column}::text, '[{', '')) > length(${column}::text) - ${limits.depthMax}`,
}
const jsonKind: Kind = (rule) => (readsJson(rule) ? json : undefined)

const kinds: Readonly<Record<string, Kind>> = {
  bool: boolean,
  int2: integer,
  int4: integer,
  int8: integer,
  numeric,
  float4: float('float4'),
  float8: float('float8'),
  date,
  timestamptz,
  timestamp,
  json: jsonKind,
  jsonb: jsonKind,
}
