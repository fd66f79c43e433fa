import type { FindingKind } from '../../contract/index.ts'
import type { Derivation, Evidence } from '../proof.ts'
import { deriveLockVoid } from './lock-void.ts'
import { deriveLostUpdate } from './lost-update.ts'
import { deriveOrphanedOperation } from './orphaned-operation.ts'
import { derivePartialWrite } from './partial-write.ts'
import { deriveReorderedSync } from './reordered-sync.ts'
import { deriveContractViolation, deriveInvariantViolation } from './violations.ts'
import { deriveWriteConflict } from './write-conflict.ts'
import { deriveWriteSkew } from './write-skew.ts'

/** How each kind that is ever proven is derived from events. */
export const derivations: Partial<Record<FindingKind, (evidence: Evidence) => Derivation>> = {
  'lost-update': deriveLostUpdate,
  'write-conflict': deriveWriteConflict,
  'lock-void': deriveLockVoid,
  'partial-write': derivePartialWrite,
  'reordered-sync': deriveReorderedSync,
  'orphaned-operation': deriveOrphanedOperation,
  'write-skew': deriveWriteSkew,
  'contract-violation': deriveContractViolation,
  'invariant-violation': deriveInvariantViolation,
}
