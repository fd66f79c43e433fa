import type { AlertState, FindingKind, Resolution, Severity } from '@syncproof/core/contract'
import type { Page, PageRequest } from './store.ts'

/** All findings of one kind that one function made on one entity type, from the moment that each was proven or
 *  observed. What they are about has happened and stays so; the group is over when it no longer happens. Divergences are
 *  grouped by pair, too; such a group is over when a whole run has read every record and found none of them. It is what
 *  alerts are about. */
export interface FindingGroup {
  readonly id: string
  readonly kind: FindingKind
  /** Name of the wrapped function; null where nobody knows it. */
  readonly operation: string | null
  readonly entity_type: string | null
  /** Of divergences: the pair. */
  readonly pair: string | null
  /** The worst of its findings since it was opened. */
  readonly severity: Severity
  readonly status: 'open' | 'resolved'
  /** Nobody is told of it. */
  readonly muted: boolean
  /** Why nobody is told of it for now: the reason of a maintenance window. */
  readonly maintenance: string | null
  readonly findings: number
  /** Calls of the function that ended since the last finding. */
  readonly calls_since: number
  readonly first_seen_at: string
  /** Since when it has been open without a break. */
  readonly opened_at: string
  /** When the last finding joined, or of divergences when one was last seen. */
  readonly last_seen_at: string
  readonly resolution?: Resolution | undefined
  /** What each sink has been told, and what it is still to be told; the last 20, newest first. */
  readonly alerts: readonly GroupAlert[]
}

/** One message about a group to one sink. */
export interface GroupAlert {
  readonly sink: string
  readonly state: AlertState
  readonly status: 'waiting' | 'delivered' | 'given_up'
  readonly attempts: number
  /** What came back last; null before the first try. */
  readonly answer: string | null
  readonly decided_at: string
  /** When it is tried next; null where it has ended. */
  readonly due_at: string | null
  readonly ended_at: string | null
}

export interface GroupPatch {
  /** `open` takes back the others. */
  readonly status: 'open' | 'acknowledged' | 'muted'
}

export interface GroupFilter {
  readonly status?: FindingGroup['status'] | undefined
  readonly kind?: string | undefined
  readonly operation?: string | undefined
  readonly entity_type?: string | undefined
  readonly pair?: string | undefined
}

/** When a group counts as quiet. */
export interface QuietRule {
  /** Since the last finding. */
  readonly quietMs: number
  /** Calls of the function in that time: one that nobody called proves nothing. */
  readonly callsMin: number
}

export interface GroupStore {
  /** Newest `last_seen_at` first. */
  list(projectId: string, filter: GroupFilter, page: PageRequest): Promise<Page<FindingGroup>>
  get(projectId: string, id: string): Promise<FindingGroup | undefined>
  /** Acknowledges or mutes all of its findings that are not over, or opens them again; what is muted stays so for findings that
   *  join later. @returns the group as it is now; undefined where there is none */
  patch(projectId: string, id: string, patch: GroupPatch): Promise<FindingGroup | undefined>
  /** Ends open groups that are quiet, and those whose findings are all resolved or muted. The next finding opens its
   *  group again.
   *  @returns how many it ended */
  close(projectId: string, rule: QuietRule): Promise<number>
}
