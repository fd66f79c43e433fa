import type { Guard, Outcome, RowLock, WriteAction } from '@syncproof/core/contract'
import type { Moment } from '../clock.ts'

/** A row as a helper or an adapter knows it: by the parts of its tokens but the value. */
export interface RowRef {
  /** Identity of the database cluster and database. */
  readonly database: string
  readonly table: string
  /** Primary key, as the database writes it. */
  readonly key: string
}

/** A row with the name of its version. */
export interface RowState {
  /** Absent where the table gives no tokens: a view, a partitioned table, no unique key … */
  readonly row?: RowRef | undefined
  /** `xmin` as text. */
  readonly xmin?: string | undefined
  readonly record: Readonly<Record<string, unknown>>
}

/** What an adapter says of a row by itself: with it, an event needs no mark around the statement. */
export interface AdapterSource {
  readonly system: string
  /** The table's name, without schema. */
  readonly table: string
  /** The row's key as text, where the statement names it; absent where it is not known which row it is. */
  readonly key?: string | undefined
  /** The entity type that the table holds. Default: as declared, else the operation's for the row whose key is the
   *  operation's entity, else the table's name. */
  readonly entityType?: string | undefined
  /** A record of the table in the names and values that the app has. */
  readonly present?: ((record: RowState['record']) => RowState['record']) | undefined
}

/** What every statement says. */
interface StatementEvidence {
  readonly adapter?: AdapterSource | undefined
  /** The table's name, without schema, where a helper brings the evidence and no adapter. */
  readonly table?: string | undefined
  readonly sentAt: Moment
  readonly durationUs: number
  /** `Knowledge.clock()` when it was sent. */
  readonly sentOrder: number
  /** Undefined where it is not known whether there is one. */
  readonly transaction: 'none' | TransactionObserver | undefined
  readonly isolation?: string | undefined
}

export interface ReadEvidence extends StatementEvidence {
  /** The row that was read; undefined where there was none. */
  readonly found: RowState | undefined
  readonly lock?: RowLock | undefined
  /** Whether the same backend had a transaction id right after the read, asked where a section asks for it. A
   *  lock on a row of an ordinary table assigns one: false proves that the row is not locked. Absent where it
   *  was not asked, or the row is not one of an ordinary local table. */
  readonly xactAssigned?: boolean | undefined
}

export interface WriteEvidence extends StatementEvidence {
  readonly action: WriteAction
  /** Of the statement alone: what becomes of its transaction is told by the observer. */
  readonly outcome: Outcome
  /** The column values that the app gave. */
  readonly data: Readonly<Record<string, unknown>>
  /** Columns whose new value the database computes. */
  readonly expressions?: readonly string[] | undefined
  readonly before: RowState | 'none' | undefined
  readonly after: RowState | undefined
  readonly overwrittenBySelf?: boolean | undefined
  /** Transaction ids that the statement wrote with, as the database writes them. */
  readonly transactionIds: readonly string[]
  readonly mayHideVersion: boolean
  /** The app was told nothing of the row. Default: it was. */
  readonly isSilent?: boolean | undefined
  /** What the statement itself asks, such as a version that must not have changed. */
  readonly guard?: Guard | undefined
  /** Rows that were written and are not reported one by one. */
  readonly rowsOverLimit?: number | undefined
  /** Names the row before the answer does: writes to one row that are under way at once. */
  readonly target: string
}

/** A database transaction whose end will be told. */
export interface TransactionObserver {
  readonly id: string
  /** Called once, when the fate of what was done at this point is known. A savepoint may be undone before. */
  onEnd(settle: (outcome: Outcome) => void): void
  /** Called once, at the moment before the statement is sent that gives up what was locked at this point. Never
   *  throws. Absent where that moment is not seen. */
  onEnding?(ending: () => void): void
}
