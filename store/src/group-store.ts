import type { FindingKind, Resolution } from '@syncproof/core/contract'
import type { Page, PageRequest } from './store.ts'

/** All findings of one kind that one function made on one entity type, from the moment that each was proven or
 *  observed. What they are about has happened and stays so; the group is over when it no longer happens. */
export interface FindingGroup {
  readonly id: string
  readonly kind: FindingKind
  /** Name of the wrapped function; null where nobody knows it. */
  readonly operation: string | null
  readonly entity_type: string | null
  readonly status: 'open' | 'resolved'
  readonly findings: number
  /** Calls of the function that ended since the last finding. */
  readonly calls_since: number
  readonly first_seen_at: string
  /** When the last finding joined. */
  readonly last_seen_at: string
  readonly resolution?: Resolution | undefined
}

export interface GroupFilter {
  readonly status?: FindingGroup['status'] | undefined
  readonly kind?: string | undefined
  readonly operation?: string | undefined
  readonly entity_type?: string | undefined
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
  /** Ends open groups that are quiet, and those whose findings are all resolved or muted. The next finding opens its
   *  group again.
   *  @returns how many it ended */
  close(projectId: string, rule: QuietRule): Promise<number>
}
