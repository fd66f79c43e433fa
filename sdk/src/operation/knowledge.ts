import { type Fingerprints, limits } from '@syncproof/core/contract'
import type { SectionScope } from './context.ts'

/** What an operation learned of one row at one moment, by reading it or by writing it. */
export interface Lesson {
  readonly operationId: string
  /** `clock()` when the statement was sent. */
  readonly sentOrder: number
  readonly version?: string | undefined
  /** The fields as fingerprints of `entityKey`; absent where what was known of them is void. */
  readonly fields?: Fingerprints | undefined
  readonly entityKey: string
  readonly transaction?: string | undefined
  /** The isolation level, where the lesson comes from inside a transaction. */
  readonly isolation?: string | undefined
  /** The lock that the read took, as in SQL. */
  readonly lock?: string | undefined
  /** The declared sections that it was learned in. */
  readonly sections?: readonly SectionScope[] | undefined
  /** An own write after which the row may have got yet another version that nobody told us: a trigger can
   *  change it again under a savepoint of its own. */
  readonly mayHideVersion?: boolean | undefined
}

/** What was known of a row before a statement was sent. */
export interface Known {
  readonly versions: readonly string[]
  readonly incomplete: boolean
  readonly base: Lesson | undefined
  /** The last that was learned of it came without a version: nobody knows which one it was. */
  readonly blind: boolean
}

interface Entry extends Lesson {
  readonly order: number
  isUndone?: boolean
}

const NONE: readonly Entry[] = []

/** More rows than this under one root are not told apart any more. */
const ROWS_MAX = 2_000
const OWN_TRANSACTIONS_MAX = 2_000
const TABLES_MAX = 500

/** Any table: no table has this name, for it is longer than PostgreSQL lets one be. */
export const ANYTHING = `any table${' '.repeat(64)}`

/** What all operations under one root know of rows. Kept as a log with an order, because a statement may only
 *  count as known what was known when it was sent, and which row it touched is often seen in its answer. */
export class Knowledge {
  #order = 0
  readonly #rows = new Map<string, Row>()
  /** When a statement last touched a table without telling what it saw or made. */
  #blindAt = 0
  #blindTables: Map<string, number> | undefined
  #ownTransactions: Map<string, { operationId: string; order: number }> | undefined
  #rowsOverflowed = false
  #ownOverflowed = false

  /** The present place in the order. */
  clock(): number {
    return this.#order
  }

  learn(rowId: string, lesson: Lesson): void {
    this.#row(rowId)?.add({ ...lesson, order: this.#next() })
  }

  /** An own write went unanswered: the row may have a version by it at any later time. */
  loseTrack(rowId: string): void {
    const row = this.#row(rowId)
    if (row) row.unanswered = true
  }

  /** A statement touched this table, or `ANYTHING`, and nobody can say which rows: versions that it saw or made may be
   *  known to the operation. */
  touchedBlindly(table: string): void {
    if (table === ANYTHING || (this.#blindTables?.size ?? 0) >= TABLES_MAX) {
      this.#blindAt = this.#next()
      return
    }
    this.#blindTables ??= new Map()
    this.#blindTables.set(table, this.#next())
  }

  isUnanswered(rowId: string): boolean {
    return this.#rows.get(rowId)?.unanswered === true
  }

  /** What was known of the fields is void: the transaction that wrote them was rolled back.
   *  @param version made by a write that was surely undone, and of which the app was told nothing: unless it has read
   *  it since, what it knew before is what it knows */
  forgetFields(rowId: string, operationId: string, entityKey: string, version?: string): void {
    const made = this.#rows.get(rowId)?.entries.filter((entry) => entry.version === version) ?? NONE
    if (version !== undefined && made.length === 1) for (const entry of made) entry.isUndone = true
    else this.learn(rowId, { operationId, entityKey, sentOrder: this.#order })
  }

  /** @param sentOrder `clock()` when the statement was sent
   *  @param operationId the operation that sent it: what it wrote itself is known to it even where both
   *  statements were under way at once
   *  @param table the row's table by its name, where that is known */
  known(rowId: string, sentOrder: number, operationId: string, table?: string): Known {
    const entries = this.#rows.get(rowId)?.entries ?? NONE
    const known = entries.filter((entry) => entry.order <= sentOrder || entry.operationId === operationId)
    const base = known.findLast((entry) => entry.order <= sentOrder && !entry.isUndone)
    const versions: string[] = []
    for (const { version } of known)
      if (version !== undefined && !versions.includes(version)) versions.push(version)
    return {
      versions,
      incomplete: this.#mayNotKnow(rowId, table, known),
      base: base?.fields ? base : undefined,
      blind: base?.fields !== undefined && base.version === undefined,
    }
  }

  #mayNotKnow(rowId: string, table: string | undefined, known: readonly Entry[]): boolean {
    if (this.#ownOverflowed || this.#isTouchedBlindly(table, known)) return true
    const row = this.#rows.get(rowId)
    return row ? row.unanswered || row.overflowed || mayHideVersion(known) : this.#rowsOverflowed
  }

  /** A transaction id that an operation under this root wrote with: also other rows, by cascades and by
   *  triggers, got their versions from it. */
  ownTransaction(id: string, operationId: string): void {
    this.#ownTransactions ??= new Map()
    if (this.#ownTransactions.has(id)) return
    if (this.#ownTransactions.size < OWN_TRANSACTIONS_MAX)
      this.#ownTransactions.set(id, { operationId, order: this.#next() })
    else this.#ownOverflowed = true
  }

  isOwnTransaction(id: string, sentOrder: number, operationId: string): boolean {
    const own = this.#ownTransactions?.get(id)
    return own !== undefined && (own.order <= sentOrder || own.operationId === operationId)
  }

  #isTouchedBlindly(table: string | undefined, known: readonly Entry[]): boolean {
    let order = this.#blindAt
    for (const [touched, at] of this.#blindTables ?? [])
      if (table === undefined || table === touched) order = Math.max(order, at)
    return order > 0 && !known.some((entry) => showsRowSince(entry, order))
  }

  #next(): number {
    this.#order += 1
    return this.#order
  }

  #row(rowId: string): Row | undefined {
    const row = this.#rows.get(rowId)
    if (row) return row
    if (this.#rows.size >= ROWS_MAX) {
      this.#rowsOverflowed = true
      return undefined
    }
    const created = new Row()
    this.#rows.set(rowId, created)
    return created
  }
}

class Row {
  readonly entries: Entry[] = []
  unanswered = false
  overflowed = false

  add(entry: Entry): void {
    this.entries.push(entry)
    if (this.entries.length <= limits.knownVersionsMax) return
    const versions = new Set(this.entries.map(({ version }) => version))
    if (versions.size > limits.knownVersionsMax) this.overflowed = true
    this.entries.shift()
  }
}

/** A hidden version stays possible until the row was shown again: then the hidden one is either the version read, or
 *  it is past. */
function mayHideVersion(known: readonly Entry[]): boolean {
  const hiding = known.findLast((entry) => entry.mayHideVersion)
  return hiding !== undefined && !known.some((entry) => showsRowSince(entry, hiding.order))
}

/** Whether a read that was sent later has shown the row. Only one that sees what is committed counts. */
function showsRowSince(entry: Entry, order: number): boolean {
  return (
    !entry.mayHideVersion &&
    entry.version !== undefined &&
    entry.sentOrder >= order &&
    (entry.isolation === undefined || entry.isolation === 'read committed')
  )
}
