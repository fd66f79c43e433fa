/** How far a server is in its log of changes, so that a standby can be held against its primary. */
export interface WalStore {
  /** What is durable on a primary; what has been replayed on a standby. */
  position(): Promise<WalPosition>
  /** Which database this is, the same on a primary and its standbys; undefined where this login may not ask. */
  identity(): Promise<string | undefined>
}

export interface WalPosition {
  readonly isStandby: boolean
  /** Bytes since the log began. */
  readonly bytes: bigint
  /** The server's clock, milliseconds since 1970. */
  readonly nowMs: number
  /** When the newest transaction that a standby has replayed was committed, by the primary's clock; null where it has
   *  replayed none since it started, and on a primary. */
  readonly replayedMs: number | null
}
