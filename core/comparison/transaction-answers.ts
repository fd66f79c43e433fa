/** What became of one transaction, as its database tells it. */
export interface TransactionFate {
  /** Its whole id, 64 bits, as decimal text: of those that end in the 32 bits asked for, the one nearest to now. */
  readonly id: string
  /** `unassigned`: the database has not given that id out yet. `forgotten`: it no longer knows. */
  readonly status: 'committed' | 'aborted' | 'in progress' | 'unassigned' | 'forgotten'
}

/** What a database says of transactions, and what that is worth. */
export interface TransactionAnswers {
  /** Cluster and database, as version tokens name them; undefined where the role may not ask for the cluster. */
  readonly database: string | undefined
  /** False for a standby, which knows what it has replayed. */
  readonly isPrimary: boolean
  /** Since when this server has been giving out ids without a break, RFC 3339 on its own clock: an id that a crash or
   *  a failover took back may be given out again. Undefined where the role may not see it. */
  readonly unbrokenSince: string | undefined
  /** RFC 3339, on its clock. */
  readonly now: string
  /** By the ids that were asked for. */
  readonly fates: ReadonlyMap<string, TransactionFate>
}
