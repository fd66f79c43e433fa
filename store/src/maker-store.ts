import type { DetectedFinding, Finding, Resolution } from '@syncproof/core/contract'
import type { DetectionRules, OperationHistoryRow } from './detection-store.ts'

/** Who made the versions that writes replaced and that their operations had not seen (`DetectionVerdicts.unseen`). That
 *  nobody did is said only where every process that may have is known to have told everything. */
export interface MakerStore {
  /** Whether a version is to be looked at now. */
  due(projectId: string): Promise<boolean>
  /** Looks at the versions that are due, each in a transaction of its own, at most 100 of them. Any number may look at
   *  once: each version is looked at by one of them.
   *
   *  A version is noticed → (after the grace) aimed at: how far each process that was there must have told → whole: all
   *  of that is stored → found: it is judged, and what was judged is stored in the same transaction → forgotten. At each
   *  look it is forgotten where its maker is there (what was found is then resolved), where something that is never
   *  mended is in the way, or where it has waited for too long.
   *  @param judge is given the operation that replaced the version, with `unclaimed` */
  look(projectId: string, options: MakerLook, judge: MakerJudge): Promise<MakersLooked>
}

export type MakerJudge = (
  operation: OperationHistoryRow & { readonly unclaimed: ReadonlySet<string> },
) => readonly DetectedFinding[]

export interface MakerLook {
  /** How long reports may be under way. */
  readonly graceMs: number
  /** A process that was silent for so long before the operation began wrote nothing meanwhile. */
  readonly silentMsMax: number
  /** For so long it is looked for; what came up within more than that is not looked for at all. */
  readonly waitMsMax: number
  /** How far the clocks of collector and database may be apart. */
  readonly clockMarginMs: number
  /** Of a finding whose maker came late. */
  readonly resolution: Resolution
  readonly rules: Pick<DetectionRules, 'mayHide' | 'windowOf' | 'versionLink'>
}

export interface MakersLooked {
  /** Findings that were not stored before. */
  readonly created: readonly Finding[]
  /** Versions of which it is decided: a write made it; nobody did; or it cannot be said. */
  readonly decided: Readonly<Record<'made' | 'unobserved' | 'undecided', number>>
}
