import type { DetectedFinding, FindingKind } from '../contract/index.ts'
import { lostUpdate } from './detectors/lost-update.ts'
import { partialWrite } from './detectors/partial-write.ts'
import { unguardedReadModifyWrite } from './detectors/unguarded-read-modify-write.ts'
import { unknownOutcome } from './detectors/unknown-outcome.ts'
import { writeConflict } from './detectors/write-conflict.ts'
import type { Detector, OperationHistory } from './history.ts'

export type { Detector, OperationHistory } from './history.ts'
export { resolvePartialWrite, resolveUnknownOutcome, settled } from './resolution.ts'

export const detectors: readonly Detector[] = [
  lostUpdate,
  writeConflict,
  partialWrite,
  unknownOutcome,
  unguardedReadModifyWrite,
]

export interface Detection {
  readonly findings: readonly DetectedFinding[]
  /** Detectors that threw: a bug of theirs, which costs none of the others. */
  readonly failures: readonly { readonly detector: FindingKind; readonly error: unknown }[]
}

/** Judges one operation by every detector. Pure; judge it again whenever events of it arrive: what was proven
 *  stays proven under the same id, and an indeterminate finding that is not among the new ones is over
 *  (`settled`).
 *  @param judges for tests */
export function detectOperation(
  history: OperationHistory,
  judges: readonly Detector[] = detectors,
): Detection {
  const kinds = new Set(history.events.map((event) => event.kind))
  const findings: DetectedFinding[] = []
  const failures: { detector: FindingKind; error: unknown }[] = []
  for (const detector of judges) {
    if (!detector.needs.some((kind) => kinds.has(kind))) continue
    try {
      findings.push(...detector.detect(history))
    } catch (error) {
      failures.push({ detector: detector.id, error })
    }
  }
  return { findings, failures }
}
