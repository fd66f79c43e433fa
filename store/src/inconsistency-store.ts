import type { StoredEvent } from '@syncproof/core/contract'
import type { Contradicted } from './store.ts'

/** What is held against an event; none of it for nearly all of them. */
export interface EventDoubts {
  /** It contradicts an event that was stored before it, and proves nothing. */
  readonly inconsistent?: {
    /** A copy with other content is no event that is stored. */
    readonly contradicts: Exclude<Contradicted, 'content'>
    /** The event that stands; null where it is not known. It may have expired. */
    readonly event_id: string | null
  }
  /** It came again with other content, which proves nothing. This event stands. */
  readonly inconsistent_copies?: {
    /** How many other contents; one that was sent several times counts once. */
    readonly count: number
    /** Members that differ in any of them, ascending; at most 20 of each. */
    readonly differs: readonly string[]
  }
}

/** An event as it is shown to people. */
export type ReportedEvent = StoredEvent & EventDoubts

export interface InconsistencyStore {
  /** What is held against these events, by id; those against which nothing is are left out. */
  doubts(projectId: string, eventIds: readonly string[]): Promise<ReadonlyMap<string, EventDoubts>>
}
