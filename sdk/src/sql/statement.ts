/** A value that a statement was given: the number of a parameter, counted from 1, or a literal. */
export type Operand = { readonly param: number } | { readonly literal: string | number | boolean | null }

export type Assigned = Operand | 'expression'

export interface TableRef {
  readonly schema?: string | undefined
  readonly name: string
  /** The name that the statement calls it by. */
  readonly alias: string
}

/** `column = operand`, or `column IN (operands)`, or, with `isArray`, `column = ANY (operand)`. */
export interface Equality {
  readonly column: string
  readonly operands: readonly Operand[]
  readonly isArray?: boolean | undefined
}

/** A part of the text, in UTF-16 code units as JS counts them. */
export interface Span {
  readonly start: number
  readonly end: number
}

export type Lock = 'FOR UPDATE' | 'FOR NO KEY UPDATE' | 'FOR SHARE' | 'FOR KEY SHARE'

/** What must hold of a row besides: `AND`ed at the top of WHERE. */
interface Conditional {
  readonly table: TableRef
  readonly equalities: readonly Equality[]
  /** WHERE gives the same answer when it is asked twice: no subquery, no function of unknown effect. */
  readonly repeatable: boolean
  /** Tables besides, and `anything` where a function may read or write whatever it likes. */
  readonly alsoTouches: Touched
}

/** Tables that a statement may touch, by their names without schema. */
export type Touched = readonly string[] | 'anything'

export interface SelectStatement extends Conditional {
  readonly kind: 'select'
  readonly lock?: Lock | undefined
  /** Where more columns can be put after the user's; absent where they would change what is returned. */
  readonly columnsEnd?: number | undefined
}

interface Writing {
  /** The whole statement without what stands around it. */
  readonly span: Span
  /** Where the list of RETURNING stands; absent where there is none. */
  readonly returning?: Span | undefined
  /** Each bare `*` in that list. */
  readonly stars: readonly Span[]
}

export interface UpdateStatement extends Conditional, Writing {
  readonly kind: 'update'
  readonly assigned: Readonly<Record<string, Assigned>>
  /** A column that is compared with a value that was read, and set anew: compare and set. */
  readonly guard?: 'version' | undefined
  /** Absent where the statement is not of a shape that can be split: FROM, no WHERE … */
  readonly parts?: { readonly target: Span; readonly set: Span; readonly where: Span } | undefined
}

export interface DeleteStatement extends Conditional, Writing {
  readonly kind: 'delete'
  readonly guard?: undefined
}

export interface InsertStatement extends Writing {
  readonly kind: 'insert'
  readonly table: TableRef
  /** Absent where the statement does not name them: then all, in the table's order. */
  readonly columns?: readonly string[] | undefined
  /** Absent where they come from a query. */
  readonly rows?: readonly (readonly Assigned[])[] | undefined
  readonly onConflict?: 'nothing' | 'update' | undefined
  readonly alsoTouches: Touched
}

export type TransactionStatement =
  | { readonly kind: 'begin'; readonly isolation?: string | undefined }
  | { readonly kind: 'commit' | 'rollback'; readonly chain: boolean }
  | { readonly kind: 'savepoint' | 'release' | 'rollback_to'; readonly name: string }
  | { readonly kind: 'set_isolation'; readonly isolation: string }

/** Changes settings of the connection, and no rows. */
export interface SessionStatement {
  readonly kind: 'session'
  /** Who asks, and what they may, is another from here on. */
  readonly changesRole: boolean
}

export interface UnknownStatement {
  readonly kind: 'unknown'
  readonly why: string
  readonly touches: Touched
  readonly mayWrite: boolean
  /** It may begin or end a transaction. */
  readonly mayEndTransaction: boolean
}

export type Statement =
  | SelectStatement
  | UpdateStatement
  | DeleteStatement
  | InsertStatement
  | TransactionStatement
  | SessionStatement
  | UnknownStatement
