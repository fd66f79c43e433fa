import { boolean, decimal, type FieldRule, instant, integer, json, text } from '@syncproof/core/contract'
import { date } from '@syncproof/core/contract/fields'
import { parseLosslessly } from '../lossless-json.ts'

/** How values of a column are read without losing anything, and how they are compared. */
export interface ColumnType {
  readonly rule: FieldRule
  /** SQL for the column's value as text in utf8mb4; `column` is quoted. */
  select(column: string): string
  /** The value of a record from that text. */
  decode(selected: string): unknown
}

/** The most digits after the point that a DECIMAL can have. */
const DECIMAL_SCALE_MAX = 38

const asText = (column: string) => `cast(${column} as char character set utf8mb4)`
const asRead = (selected: string) => selected

const plainText: ColumnType = {
  rule: text(),
  select: (column) => `convert(${column} using utf8mb4)`,
  decode: asRead,
}
const wholeNumber: ColumnType = { rule: integer(), select: asText, decode: asRead }
const anyNumber: ColumnType = { rule: decimal({ scale: DECIMAL_SCALE_MAX }), select: asText, decode: asRead }
const bytes: ColumnType = { rule: text(), select: (column) => `hex(${column})`, decode: asRead }

const types: Readonly<Record<string, ColumnType>> = {
  smallint: wholeNumber,
  mediumint: wholeNumber,
  int: wholeNumber,
  bigint: wholeNumber,
  year: wholeNumber,
  decimal: anyNumber,
  // the shortest text that is the same number again
  float: anyNumber,
  double: anyNumber,
  bit: {
    rule: integer(),
    select: (column) => `cast(${column} + 0 as char character set utf8mb4)`,
    decode: asRead,
  },
  date: { rule: date(), select: asText, decode: asRead },
  // the session's zone is UTC
  timestamp: { rule: instant(), select: asText, decode: (selected) => `${selected.replace(' ', 'T')}Z` },
  json: { rule: json(), select: asText, decode: parseLosslessly },
  binary: bytes,
  varbinary: bytes,
  tinyblob: bytes,
  blob: bytes,
  mediumblob: bytes,
  longblob: bytes,
}

const truth: ColumnType = { rule: boolean(), select: asText, decode: (selected) => selected !== '0' }

/** @param dataType as information_schema has it  @param columnType with its length: `tinyint(1)`
 *  @param zone that columns of type datetime mean: `+02:00`, `Z`; without it they name no instant */
export function columnType(dataType: string, columnType: string, zone: string | undefined): ColumnType {
  if (dataType === 'tinyint') return /^tinyint\(1\)/.test(columnType) ? truth : wholeNumber
  if (dataType === 'datetime') {
    const decode = (selected: string) =>
      zone === undefined ? selected : `${selected.replace(' ', 'T')}${zone}`
    return { rule: instant(), select: asText, decode }
  }
  return (Object.hasOwn(types, dataType) ? types[dataType] : undefined) ?? plainText
}
