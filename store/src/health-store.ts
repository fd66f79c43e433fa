/** What an operator wants to know of the database before something goes wrong. Every method only reads, and rejects with
 *  the driver's error (42501) for a login that may not look. */
export interface HealthStore {
  server(): Promise<ServerHealth>
  partitions(): Promise<PartitionHealth>
  activity(): Promise<ActivityHealth>
  /** Processes of all projects but the doctor's that were heard of since, those heard of last first, at most 1,000. */
  processes(sinceMs: number): Promise<readonly ProcessHealth[]>
}

export interface ServerHealth {
  /** `15.18 (Debian …)`. */
  readonly version: string
  /** 150018. */
  readonly version_num: number
  readonly user: string
  /** The database's clock, milliseconds since 1970. */
  readonly nowMs: number
  /** A standby takes nothing in. */
  readonly isStandby: boolean
  /** `on`, `off` … by name: synchronous_commit, fsync, full_page_writes, autovacuum. */
  readonly settings: Readonly<Record<string, string>>
  readonly databaseBytes: number
  /** The last hop of this connection, as the server sees it. */
  readonly connection: {
    /** `TLSv1.3`; null where it is not encrypted. */
    readonly tls: string | null
    /** Null over a Unix socket. */
    readonly from: string | null
  }
}

export interface PartitionHealth {
  /** Days in UTC (`2026-11-26`) of which both events and links have a partition, ascending. */
  readonly days: readonly string[]
  /** Today, in UTC, by the database's clock. */
  readonly today: string
  /** Partitions that are not of a day, as a default one: they get in the way of those that are. */
  readonly strangers: readonly string[]
  /** Partitions that were taken away from their tables and are still there. */
  readonly detached: readonly string[]
  readonly eventsBytes: number
}

export interface ActivityHealth {
  readonly connections: number
  readonly connectionsMax: number
  /** Of this database; 0 where none is open. */
  readonly oldestTransactionMs: number
  readonly oldestPreparedMs: number
  /** Replication slots that nobody reads, with the log that they keep. */
  readonly idleSlots: readonly { readonly name: string; readonly bytes: number }[]
  readonly invalidIndexes: readonly string[]
}

export interface ProcessHealth {
  readonly project: string
  readonly id: string
  readonly service: string
  readonly host: string | null
  readonly silentMs: number
  readonly ended: boolean
  readonly unaccounted: number
  readonly dropped: Readonly<Record<string, number>>
  readonly inconsistent: number
  /** The collector's clock minus its own lies between; null where it has said nothing of it. */
  readonly offsetMs: readonly [low: number, high: number] | null
}
