/** What the oracle knows, all of it gathered without Syncproof. */
export interface Evidence {
  /** From the trigger in the app's database, ascending by `seq`. */
  readonly history: readonly HistoryRow[]
  /** From the clients that sent them. */
  readonly requests: readonly ClientRequest[]
  /** From the proxy before the ATS, in the order of arrival. */
  readonly atsRequests: readonly AtsRequest[]
}

/** A row of `candidates`, as JSON made by the database. */
export type Row = Readonly<Record<string, unknown>>

/** One committed version of one row. */
export interface HistoryRow {
  /** Ascending; for one candidate in the order of the commits, because the row was locked. */
  readonly seq: number
  readonly candidateId: string
  /** The transaction that wrote it, as the row's own `xmin` spells it. */
  readonly xid: string
  /** The revision that the UPDATE carried, which is the one that its function had read; null for an INSERT. */
  readonly baseRevision: string | null
  /** The UPDATE's condition names the revision, so that it changes nothing where another came before it. */
  readonly guarded: boolean
  /** The row that was overwritten; null for an INSERT. */
  readonly old: Row | null
  readonly new: Row
}

/** One PATCH /candidates/:id, and the answer to it. */
export interface ClientRequest {
  /** Sent as `updatedBy`, so that every row version and every record at the ATS names its request. */
  readonly id: string
  readonly candidateId: string
  readonly body: Readonly<Record<string, unknown>>
  readonly reply: AppReply
}

/** `ok`: 200. `ats-failed`: the app got this status from the ATS, null where it got no answer. `error`: anything else. */
export type AppReply =
  | { readonly kind: 'ok' }
  | { readonly kind: 'ats-failed'; readonly atsStatus: number | null }
  | { readonly kind: 'error'; readonly status: number | null }

/** One request as it arrived at the proxy before the ATS, and what became of it. */
export interface AtsRequest {
  readonly requestId: string
  readonly candidateId: string
  readonly body: Row
  readonly fault: string
  /** What the ATS answered; null where the request was not forwarded. */
  atsStatus: number | null
  /** What was sent back to the app; null where the connection was cut, or the app was gone. */
  answeredStatus: number | null
}
