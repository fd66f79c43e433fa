import { findingId, type Resolution, type StoredEvent } from '@syncproof/core/contract'
import type { DetectionEvidence } from '@syncproof/store'

/** Findings that said of a version that nobody had made it, and whose maker is among these new events. */
export function madeLate(
  events: readonly StoredEvent[],
  evidence: DetectionEvidence,
): Promise<readonly string[]> {
  const ids = events.flatMap((event) =>
    event.kind === 'write' && event.version !== undefined && event.outcome !== 'rejected'
      ? findingId('unobserved-write', event.version)
      : [],
  )
  return evidence.unresolved(ids)
}

export function lateMaker(): Resolution {
  return { at: new Date().toISOString(), why: 'The write that made the version was reported late.' }
}
