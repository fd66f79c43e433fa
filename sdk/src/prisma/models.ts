import { plainDecimal } from '@syncproof/core/contract'

/** A model of the Prisma schema, as far as a row of its table must be told in the app's words. */
export interface Model {
  readonly name: string
  /** By column. */
  readonly fields: ReadonlyMap<string, ModelField>
}

interface ModelField {
  readonly name: string
  /** `String`, `DateTime` …, or the name of an enum. */
  readonly type: string
  /** Names in the database to names in the app, of an enum. */
  readonly values?: ReadonlyMap<string, string> | undefined
}

/** Models by the name of their table. */
export type Models = ReadonlyMap<string, Model>

/** What a generated client knows of its schema (`_runtimeDataModel`); parts that are not as expected are left
 *  out, and their columns keep the database's names and values. */
export function readModels(client: unknown): Models {
  const models = new Map<string, Model>()
  const dataModel = member(client, '_runtimeDataModel')
  const enums = member(dataModel, 'enums')
  for (const [name, model] of entries(member(dataModel, 'models'))) {
    const fields = new Map<string, ModelField>()
    for (const field of list(member(model, 'fields'))) {
      const fieldName = member(field, 'name')
      const type = member(field, 'type')
      const kind = member(field, 'kind')
      if (typeof fieldName !== 'string' || typeof type !== 'string' || kind === 'object') continue
      const values = kind === 'enum' ? enumValues(member(enums, type)) : undefined
      fields.set(textOr(member(field, 'dbName'), fieldName), { name: fieldName, type, values })
    }
    models.set(textOr(member(model, 'dbName'), name), { name, fields })
  }
  return models
}

/** A row, or the values given for one, with the names and the kinds of values that the app has. */
export function presentRecord(
  model: Model | undefined,
  record: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  if (!model) return record
  const presented: Record<string, unknown> = {}
  for (const [column, value] of Object.entries(record)) {
    const field = model.fields.get(column)
    if (field) presented[field.name] = presentValue(field, value)
    else presented[column] = value
  }
  return presented
}

function presentValue(field: ModelField, value: unknown): unknown {
  if (value === null || value === undefined) return value
  if (Array.isArray(value) && field.type !== 'Json') return value.map((item) => presentValue(field, item))
  if (typeof value !== 'string') return field.type === 'Decimal' ? decimalOf(value) : value
  switch (field.type) {
    case 'DateTime':
      return dateOf(value) ?? value
    case 'Json':
      return parsed(value)
    case 'BigInt':
      return plainDecimal(value) === undefined ? value : BigInt(value)
    case 'Int':
    case 'Float':
      return Number(value)
    case 'Decimal':
      return decimalOf(value)
    case 'Bytes':
      return Buffer.from(value, 'base64')
    default:
      return field.values?.get(value) ?? value
  }
}

const TIME = /^\d{2}:\d{2}/
const HAS_ZONE = /(?:Z|[+-]\d{2}:\d{2})$/
const HOURS_ONLY = /:\d{2}(?:\.\d+)?[+-]\d{2}$/

/** As Prisma reads it: a time is one of the first day of 1970, and what names no zone is UTC. */
function dateOf(text: string): Date | undefined {
  const full = TIME.test(text) ? `1970-01-01T${text}` : text.replace(' ', 'T')
  const zoned = HOURS_ONLY.test(full) ? `${full}:00` : full
  const isWhole = zoned.length <= 'yyyy-mm-dd'.length || HAS_ZONE.test(zoned)
  const date = new Date(isWhole ? zoned : `${zoned}Z`)
  return Number.isNaN(date.getTime()) ? undefined : date
}

/** Prisma's decimals are objects that print themselves; `1.50` and `1.5` are one. */
function decimalOf(value: unknown): unknown {
  const text = typeof value === 'object' ? String(value) : value
  return typeof text === 'string' ? (plainDecimal(text) ?? text) : text
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function enumValues(definition: unknown): ReadonlyMap<string, string> {
  const values = new Map<string, string>()
  for (const value of list(member(definition, 'values'))) {
    const name = member(value, 'name')
    if (typeof name === 'string') values.set(textOr(member(value, 'dbName'), name), name)
  }
  return values
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined
}

function entries(value: unknown): readonly [string, unknown][] {
  return typeof value === 'object' && value !== null ? Object.entries(value) : []
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function textOr(value: unknown, fallback: string): string {
  return typeof value === 'string' && value !== '' ? value : fallback
}
