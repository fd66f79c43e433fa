import { boolean, decimal, type FieldRule, instant, integer, json, text } from '@syncproof/core/contract'
import { date } from '@syncproof/core/contract/fields'
import { parseLosslessly } from '../lossless-json.ts'

/** How values of a column are read without losing anything, and how they are compared. */
export interface ColumnType {
  readonly rule: FieldRule
  /** SQL for the column's value as text; `column` is quoted. */
  select(column: string, timestampZone: string | undefined): string
  /** The value of a record from that text. */
  decode(selected: string): unknown
}

/** The most digits after the point that PostgreSQL's numeric can have. */
const NUMERIC_SCALE_MAX = 16_383

const asText = (column: string) => `${column}::text`
const asRead = (selected: string) => selected

const plainText: ColumnType = { rule: text(), select: asText, decode: asRead }
const wholeNumber: ColumnType = { rule: integer(), select: asText, decode: asRead }
const anyNumber: ColumnType = { rule: decimal({ scale: NUMERIC_SCALE_MAX }), select: asText, decode: asRead }
const structured: ColumnType = { rule: json(), select: asText, decode: parseLosslessly }

const types: Readonly<Record<string, ColumnType>> = {
  bool: { rule: boolean(), select: asText, decode: (selected) => selected === 'true' },
  int2: wholeNumber,
  int4: wholeNumber,
  int8: wholeNumber,
  numeric: anyNumber,
  float4: anyNumber,
  float8: anyNumber,
  date: { rule: date(), select: asText, decode: asRead },
  timestamptz: { rule: instant(), select: asText, decode: rfc3339 },
  timestamp: {
    rule: instant(),
    // without its zone the text names no instant, and the rule says so: not comparable, never a mismatch
    select: (column, zone) =>
      zone === undefined ? asText(column) : `(${column} at time zone '${zone.replaceAll("'", "''")}')::text`,
    decode: rfc3339,
  },
  json: structured,
  jsonb: structured,
}

/** @param baseType the name in pg_type, domains followed to their base */
export function columnType(baseType: string, isArray: boolean): ColumnType {
  if (isArray) return { ...structured, select: (column) => `pg_catalog.to_json(${column})::text` }
  return (Object.hasOwn(types, baseType) ? types[baseType] : undefined) ?? plainText
}

/** `2026-01-01 10:00:00.123456+00` as RFC 3339; what has no zone, or is `infinity`, stays as it is. */
function rfc3339(selected: string): string {
  return selected.endsWith('+00') ? `${selected.slice(0, -3).replace(' ', 'T')}Z` : selected
}
