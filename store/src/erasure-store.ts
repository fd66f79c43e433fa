import type { EntityRef } from '@syncproof/core/contract'
import type { DetectionRules } from './detection-store.ts'

/** What was removed, or would be. */
export interface ErasureCounts {
  /** Of the entity, and those of its operations that name no entity. An empty row of each stays, by which its id is known
   *  when it is sent again, until the day that it is of expires. */
  readonly events: number
  readonly operations: number
  /** About the entity, or with an event of it in the witness: without that they could not be derived again. */
  readonly findings: number
  /** Of these, how many are about another entity. */
  readonly findings_about_others: number
  /** Findings about a function, which stay without the call that showed them. */
  readonly hazards: number
  readonly divergences: number
}

export interface Erasure {
  /** False where it was stopped, or events of the entity came in meanwhile: call again. */
  readonly done: boolean
  /** By this call. */
  readonly removed: ErasureCounts
  /** Events of the entity that came in since the call began. */
  readonly events_since: number
}

export interface ErasureStore {
  /** What `erase` would remove. Reads each finding of the project. */
  preview(projectId: string, entity: EntityRef): Promise<ErasureCounts>
  /** Removes what is known of an entity, for good: events, operations, findings with their witnesses, what
   *  reconciliations say of it, links and counts. Nothing is concluded afterwards from what is not there. In small
   *  transactions: stopped or killed at any point, the next call goes on. Runs of pairs that compare entities
   *  of this type begin anew.
   *
   *  Detection waits for each transaction, some tens of milliseconds. Needs the rights of the owner. */
  erase(
    projectId: string,
    entity: EntityRef,
    options: {
      readonly signal: AbortSignal
      /** By which the links of its events were made. */
      readonly rules: Pick<DetectionRules, 'linksOf' | 'hidesVersion'>
    },
  ): Promise<Erasure>
}
