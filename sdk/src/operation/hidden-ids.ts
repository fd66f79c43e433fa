import { type EntityRef, type Fingerprinter, formatToken, limits, NO_ROW } from '@syncproof/core/contract'
import type { EntityTypes } from '../options.ts'
import { TextMap } from '../report/text-map.ts'

/** What names a record in an event, or may repeat its id. */
interface Naming {
  entity?: EntityRef
  readonly system?: string
  version?: string | undefined
  base_version?: string | undefined
  overwritten_version?: string | undefined
  known_versions?: readonly string[]
  known_incomplete?: true | undefined
  external_id?: string | undefined
  external_version?: string | undefined
  readonly external_ordered?: true | undefined
  idempotency_key?: string | undefined
}

/** Puts keyed hashes in the place of ids, in the events on entities of the types that declare `entityId: 'hashed'`.
 *  Operations work with ids as they are; see docs/decisions/0014-ids-are-hashed-where-events-are-made.md. */
export class HiddenIds {
  readonly #types: ReadonlySet<string>
  readonly #fingerprinter: Fingerprinter
  /** By entity as it is: of those types, and of rows that may be of one. */
  readonly #entities = new WeakMap<EntityRef, EntityRef>()
  readonly #knowsTables: boolean
  /** The row whose token came last, in an event on whom, and what it becomes: tokens of an event are of one row. */
  #row = ''
  #of: EntityRef | undefined
  #hiddenRow = ''
  /** The system whose opaque versions its tokens hold. */
  #opaqueOf: string | undefined

  private constructor(types: readonly string[], knowsTables: boolean, fingerprinter: Fingerprinter) {
    this.#types = new Set(types)
    this.#knowsTables = knowsTables
    this.#fingerprinter = fingerprinter
  }

  /** Undefined where no type declares it, so that it costs the others nothing. */
  static of(entities: EntityTypes, fingerprinter: Fingerprinter): HiddenIds | undefined {
    const types = Object.keys(entities).filter((type) => entities[type]?.entityId === 'hashed')
    const knowsTables = types.every((type) => entities[type]?.table !== undefined)
    return types.length > 0 ? new HiddenIds(types, knowsTables, fingerprinter) : undefined
  }

  has(type: string): boolean {
    return this.#types.has(type)
  }

  /** A row of no declared type: it is hidden where it may be of a type whose table nobody named.
   *  @returns whether it is */
  doubt(entity: EntityRef): boolean {
    if (this.#knowsTables) return false
    this.#entity(entity)
    return true
  }

  /** The members of an event as they may leave the process. */
  hide<T extends object>(members: T): T {
    const { entity, system = '' }: Naming = members
    if (!entity) return members
    const isHidden = this.has(entity.type) || this.#entities.has(entity)
    if (!isHidden && namesItsOwnRow(members, entity.id)) return members
    const hidden: T & Naming = { ...members }
    for (const name of TOKENS) {
      const token = hidden[name]
      if (token !== undefined) hidden[name] = this.#token(token, entity, isHidden)
    }
    const known = hidden.known_versions
    if (known) {
      hidden.known_versions = known.flatMap((token) => this.#token(token, entity, isHidden) ?? [])
      if (hidden.known_versions.length < known.length) hidden.known_incomplete = true
    }
    if (!isHidden) return hidden
    hidden.entity = this.#entity(entity)
    hidden.external_id = this.#text(system, hidden.external_id)
    hidden.idempotency_key = this.#text('', hidden.idempotency_key)
    // an ordered one is a number, whose order is what it is sent for
    if (!hidden.external_ordered) hidden.external_version = this.#text(system, hidden.external_version)
    return hidden
  }

  #entity(entity: EntityRef): EntityRef {
    let hidden = this.#entities.get(entity)
    if (!hidden) {
      hidden = TextMap.of({ type: entity.type, id: this.#fingerprinter.entityId(entity) })
      this.#entities.set(entity, hidden)
    }
    return hidden
  }

  /** The token with its key hashed, and what another system calls a version: those of one event compare as they did.
   *  An event on an entity of another type names its own row in the clear, and no other one: that may be one of a
   *  hidden type. Undefined where it would be longer than an event takes. */
  #token(token: string, of: EntityRef, isHidden: boolean): string | undefined {
    const rowEnd = token.lastIndexOf('/') + 1
    if (rowEnd === 0) return token // NO_ROW
    const row = token.slice(0, rowEnd)
    let value = token.slice(rowEnd)
    if (row !== this.#row || of !== this.#of) {
      const [kind = '', database = '', table = '', key = ''] = row.split('/').map(decodeURIComponent)
      const isOpen = !isHidden && key === of.id
      this.#row = row
      this.#of = of
      this.#hiddenRow = isOpen
        ? row
        : formatToken({ kind, database, table, key: this.#text(table, key), value: '' })
      this.#opaqueOf = isOpen || kind !== 'etag' ? undefined : database
    }
    if (this.#opaqueOf !== undefined) value = this.#text(this.#opaqueOf, decodeURIComponent(value))
    const hidden = this.#hiddenRow + value
    return hidden.length <= limits.stringLengthMax ? hidden : undefined
  }

  #text<T extends string | undefined>(scope: string, text: T): T {
    return (text === undefined ? text : this.#fingerprinter.entityId({ type: scope, id: text })) as T
  }
}

const TOKENS = ['version', 'base_version', 'overwritten_version'] as const

/** Whether all tokens surely are of the row with this key, as they are in most events: then there is nothing to hide
 *  where the id is not. */
function namesItsOwnRow(members: Naming, id: string): boolean {
  const key = `/${id}/`
  const isOwn = (token: string | undefined) =>
    token === undefined || token === NO_ROW || token.endsWith(key, token.lastIndexOf('/') + 1)
  // a text that is a part of a token as it is spelled, and none of its parts
  if (id.includes('/') || id.includes('%')) return false
  return TOKENS.every((name) => isOwn(members[name])) && (members.known_versions ?? []).every(isOwn)
}
