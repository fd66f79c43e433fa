import { ListingError, type ListingErrorCode, type SourceRecord } from '@syncproof/core/comparison'
import { joinKey, type KeyNames, keyNames, keyRule } from './compound-key.ts'
import {
  aPath,
  type DeletedMark,
  deletedMark,
  deletedReader,
  type FieldPaths,
  fieldPaths,
  fieldReader,
  type JsonPath,
  pathOf,
  set,
  valueAt,
} from './field-paths.ts'
import { isPlainObject, kindOf, type MemberRule, required, someText } from './members.ts'
import { sourceRecord } from './source-record.ts'

/** Which of a system's records are meant: by the value of a member, or by what code says. */
type Where =
  | { readonly path: string; readonly is: readonly unknown[] }
  | ((record: Readonly<Record<string, unknown>>) => boolean)

export interface RecordShape {
  readonly keyPaths: readonly JsonPath[]
  readonly keyPrefix: string
  readonly where: Where | undefined
  readonly fields: FieldPaths | undefined
  readonly version: JsonPath | undefined
  readonly deleted: DeletedMark | undefined
}

/** The options that all systems of loose records share. */
export interface RecordOptions {
  /** The member that is the record's key: `id`, `$.attributes.externalRef`. Several are a key of several parts, joined
   *  by `/`. */
  readonly key: KeyNames
  /** Which records are meant: `{ path: '$.type', is: ['candidate'] }`, or a function. Default: all. */
  readonly where?: Where
  /** Only records whose key begins so; it is no part of the key for the pair. */
  readonly keyPrefix?: string
  /** Canonical field name to where a record has it: `{ name: '$.attributes.firstName' }`. Others keep their names. */
  readonly fields?: FieldPaths
  /** A member that changes with every change of the record. */
  readonly version?: string
  /** How a record is marked that the system calls deleted: `$.archived`, `{ path: '$.state', is: ['deleted'] }`. */
  readonly deleted?: DeletedMark
}

export function shapeOf(options: RecordOptions): RecordShape {
  return {
    keyPaths: keyNames(options.key).map(pathOf),
    keyPrefix: options.keyPrefix ?? '',
    where: options.where,
    fields: options.fields,
    version: options.version === undefined ? undefined : pathOf(options.version),
    deleted: options.deleted,
  }
}

const where: MemberRule = {
  check(value) {
    if (typeof value === 'function') return undefined
    if (!isPlainObject(value) || !Array.isArray(value.is)) {
      return `must be { path: '$.type', is: ['candidate'] } or a function, not ${kindOf(value)}.`
    }
    return aPath.check(value.path)
  },
}

/** What each of these options must be. */
export const recordMembers: Readonly<Record<keyof RecordOptions, MemberRule>> = {
  key: required(keyRule(aPath)),
  where,
  keyPrefix: someText,
  fields: fieldPaths,
  version: aPath,
  deleted: deletedMark,
}

/** Makes records of what a system has sent. */
export class RecordReader {
  readonly #shape: RecordShape
  readonly #label: string
  readonly #keyMembers: readonly string[]
  readonly #fields: ReturnType<typeof fieldReader>
  readonly #isDeleted: ReturnType<typeof deletedReader>

  constructor(shape: RecordShape, label: string) {
    this.#shape = shape
    this.#label = label
    this.#keyMembers = shape.keyPaths.flatMap((path) => (path.length === 1 ? path : []))
    this.#fields = fieldReader(shape.fields)
    this.#isDeleted = deletedReader(shape.deleted)
  }

  /** The list at a path. @throws ListingError `unexpected_shape` */
  list({ body }: { readonly body: unknown }, path: JsonPath): readonly unknown[] {
    const list = valueAt(body, path)
    if (Array.isArray(list)) return list
    throw this.#error(
      'unexpected_shape',
      `answers 200 with ${kindOf(list)} at ${['$', ...path].join('.')} where the list should be. Check \`records\`; it may be an error in the body.`,
    )
  }

  /** One record; undefined where it is none of those that are meant. @throws ListingError */
  read(item: unknown, observedAt: string): SourceRecord | undefined {
    if (!isPlainObject(item)) {
      throw this.#error(
        'unexpected_shape',
        `sends ${kindOf(item)} where a record should be. Check the paths.`,
      )
    }
    if (!isMeant(item, this.#shape.where)) return undefined
    const key = this.#key(item)
    if (key === undefined) return undefined
    const version = this.#shape.version && valueAt(item, this.#shape.version)
    return sourceRecord({
      ...{ key, fields: this.#fields(this.#withoutKey(item)), observedAt },
      version: version === undefined || version === null ? undefined : String(version),
      isDeleted: this.#isDeleted(item),
    })
  }

  /** Undefined where it has not the prefix of those that are meant. */
  #key(item: unknown): string | undefined {
    const { keyPaths, keyPrefix } = this.#shape
    const parts = keyPaths.map((path) => {
      const value = valueAt(item, path)
      const part = readKey(value)
      if (part !== undefined) return part
      throw this.#error(
        'key_missing',
        `sends a record whose ${path.join('.')} is ${kindOf(value)}. \`key\` must be a text or a whole number that every record has.`,
      )
    })
    const key = joinKey(parts)
    if (!key.startsWith(keyPrefix)) return undefined
    if (key !== keyPrefix) return key.slice(keyPrefix.length)
    throw this.#error('key_missing', 'sends a record whose key is nothing but `keyPrefix`.')
  }

  /** A member that is the key, or a part of it, is no field. */
  #withoutKey(item: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
    const members = this.#keyMembers
    if (members.length === 0) return item
    const fields: Record<string, unknown> = {}
    for (const name of Object.keys(item)) if (!members.includes(name)) set(fields, name, item[name])
    return fields
  }

  #error(code: ListingErrorCode, what: string): ListingError {
    return new ListingError(code, `${this.#label} ${what}`)
  }
}

function isMeant(item: Readonly<Record<string, unknown>>, where: Where | undefined): boolean {
  if (where === undefined) return true
  return typeof where === 'function' ? where(item) : where.is.includes(valueAt(item, pathOf(where.path)))
}

/** A key as text; undefined for what cannot be one. Big whole numbers come as text already. */
function readKey(value: unknown): string | undefined {
  if (typeof value === 'string') return value !== '' && value.isWellFormed() ? value : undefined
  return Number.isSafeInteger(value) ? String(value) : undefined
}
