import type { DetectedFinding, FindingKind } from '../contract/index.ts'
import { contradictionsWithin, madeTwice, madeVersion } from './contradictions.ts'
import { checkThenCreate } from './detectors/check-then-create.ts'
import { contractViolation } from './detectors/contract-violation.ts'
import { duplicateCreate } from './detectors/duplicate-create.ts'
import { invariantViolation } from './detectors/invariant-violation.ts'
import { lockOutsideTransaction } from './detectors/lock-outside-transaction.ts'
import { lockVoid } from './detectors/lock-void.ts'
import { lostUpdate } from './detectors/lost-update.ts'
import { orphanedOperation } from './detectors/orphaned-operation.ts'
import { partialWrite } from './detectors/partial-write.ts'
import { readBeforeLock } from './detectors/read-before-lock.ts'
import { reorderedSync } from './detectors/reordered-sync.ts'
import { syncInsideTransaction } from './detectors/sync-inside-transaction.ts'
import { syncWithoutOutbox } from './detectors/sync-without-outbox.ts'
import { unguardedReadModifyWrite } from './detectors/unguarded-read-modify-write.ts'
import { unknownOutcome } from './detectors/unknown-outcome.ts'
import { unobservedWrite } from './detectors/unobserved-write.ts'
import { writeConflict } from './detectors/write-conflict.ts'
import { writeSkew } from './detectors/write-skew.ts'
import { bitsIn, bitsOf, turnTo } from './events.ts'
import { collisionsAMonth, exposedCallOf, missMs } from './exposure.ts'
import type { Detector, OperationHistory } from './history.ts'
import { limits } from './limits.ts'
import { linksOf, linksWanted, versionLink } from './links.ts'
import { hidesVersion, mayHide, windowOf } from './unseen-version.ts'

export type { Detector, NeighbourHistory, OperationHistory, ProcessEnd } from './history.ts'
export { resolvePartialWrite, resolveUnknownOutcome, settled } from './resolution.ts'
export { syncedWrites } from './synced-writes.ts'
export { unseenVersions } from './unseen-version.ts'

export const detectors: readonly Detector[] = [
  lostUpdate,
  writeConflict,
  lockVoid,
  partialWrite,
  unknownOutcome,
  reorderedSync,
  duplicateCreate,
  orphanedOperation,
  unobservedWrite,
  writeSkew,
  contractViolation,
  invariantViolation,
  unguardedReadModifyWrite,
  lockOutsideTransaction,
  readBeforeLock,
  checkThenCreate,
  syncWithoutOutbox,
  syncInsideTransaction,
]

/** What a store must know to show operations together and to add up the calls of a function. */
export const detectionRules = {
  linksOf,
  linksWanted,
  exposedCallOf,
  missMs,
  collisionsAMonth,
  contradictionsWithin,
  madeVersion,
  madeTwice,
  versionLink,
  hidesVersion,
  mayHide,
  windowOf,
  limits,
} as const

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
  turnTo(history.events)
  const findings: DetectedFinding[] = []
  const failures: { detector: FindingKind; error: unknown }[] = []
  for (const detector of shownTo(judges, bitsIn(history.events))) {
    try {
      const found = detector.detect(history)
      if (found.length > 0) findings.push(...found)
    } catch (error) {
      failures.push({ detector: detector.id, error })
    }
  }
  return { findings, failures }
}

/** By what is there: kinds of events make up a few dozen sets, and 2,048 at most. */
const shown = new WeakMap<readonly Detector[], Map<number, readonly Detector[]>>()

/** Those that look at an operation which has events of these kinds. */
function shownTo(judges: readonly Detector[], bits: number): readonly Detector[] {
  const byBits = shown.get(judges) ?? new Map<number, readonly Detector[]>()
  const known = byBits.get(bits)
  if (known) return known
  const looking = judges.filter(({ needs }) => (bitsOf(needs) & bits) !== 0)
  shown.set(judges, byBits.set(bits, looking))
  return looking
}
