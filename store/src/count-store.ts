/** Names from people's code that have series of their own, for each label that holds such names; all later ones are
 *  counted together under `OVERFLOW`. */
export const LABEL_VALUES_MAX = 200
export const OVERFLOW = '__overflow__'

/** Characters of such a name that are shown; of a longer one the beginning, and an ellipsis. */
export const LABEL_LENGTH_MAX = 128

/** What is counted, with the labels of each. Members that are not known are left out.
 *
 *  - `findings`: as they stand now: kind, verdict, status, operation, entity_type, system, baseline. It falls when they are
 *    removed.
 *  - `findings_made`: ever found, by the verdict found: kind, verdict, operation, entity_type.
 *  - `operations`: ended: operation, outcome.
 *  - `retries`: second and later tries of operations and of their syncs: operation.
 *  - `writes`: operation, system, outcome.
 *  - `syncs`: operation, system, outcome.
 *  - `writes_synced`: see `SyncedWrite`: entity_type, system, result, within_s.
 *  - `writes_repaired`: of those, splits and unknown ones that came right later: was, entity_type, system, within_s. */
export const COUNTED = [
  'findings',
  'findings_made',
  'operations',
  'retries',
  'writes',
  'syncs',
  'writes_synced',
  'writes_repaired',
] as const
export type Counted = (typeof COUNTED)[number]

export interface Count {
  readonly metric: Counted
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** The oldest of the divergences that are open between a source and a system, those aside that were there before anybody
 *  watched. */
export interface OldestDivergence {
  readonly entity_type: string
  readonly system: string
  /** Open without a break since then, milliseconds since 1970. */
  readonly sinceMs: number
}

/** How near calls of a function have come to each other where nothing keeps them apart. */
export interface NearestMiss {
  readonly operation: string
  readonly kind: string
  readonly ms: number
}

/** When a release of a service was first heard of, milliseconds since 1970. */
export interface FirstSeenRelease {
  readonly service: string
  readonly release: string
  readonly sinceMs: number
}

/** For metrics, over all projects but the doctor's. */
export interface CountStore {
  /** What is counted, as of the last `fold`; each set of labels once. */
  read(): Promise<readonly Count[]>
  /** Adds what has changed since. Any number may do it at once.
   *  @returns false where a second was not enough: call it again */
  fold(): Promise<boolean>
  /** What pairs that are configured compare. */
  systems(): Promise<readonly { readonly entity_type: string; readonly system: string }[]>
  oldestDivergences(): Promise<readonly OldestDivergence[]>
  nearestMisses(): Promise<readonly NearestMiss[]>
  /** The last 50 of the releases that processes have reported, newest first. */
  releases(): Promise<readonly FirstSeenRelease[]>
}
