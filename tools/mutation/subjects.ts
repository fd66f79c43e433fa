import { join } from 'node:path'
import { type Mutant, mutantsOf } from './conditions.ts'

export const root = join(import.meta.dirname, '../..')

/** The detectors whose findings are proven or observed, and what they and the links between operations rest on. Those of
 *  hazards claim nothing that happened. */
const DETECTORS = [
  'contract-violation',
  'duplicate-create',
  'invariant-violation',
  'lock-void',
  'lost-update',
  'orphaned-operation',
  'partial-write',
  'reordered-sync',
  'unobserved-write',
  'write-conflict',
  'write-skew',
]
const SHARED = [
  'carried-version',
  'clocks',
  'events',
  'field-values',
  'foreign-version',
  'forked-write',
  'held-sections',
  'links',
  'net-change',
  'row-order',
  'runs',
  'section-overlap',
  'split-sides',
  'sync-order',
  'value-fields',
  'whole-operation',
]

export function allMutants(): readonly Mutant[] {
  const files = [
    ...DETECTORS.map((name) => `core/detection/detectors/${name}.ts`),
    ...SHARED.map((name) => `core/detection/${name}.ts`),
  ]
  return files.flatMap((file) => mutantsOf(root, file))
}
