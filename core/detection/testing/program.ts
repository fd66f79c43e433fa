import type { SyncTarget } from '../../contract/index.ts'

/** What one simulated operation does, and the choices that there are. */

export const STYLES = ['spread', 'supplied', 'derived', 'counter', 'expression'] as const
export const GUARDS = ['none', 'lock', 'version'] as const
export const ANSWERS = ['ok', 'rejected', 'request_lost', 'reply_lost'] as const
export type Answer = (typeof ANSWERS)[number]
export const REACTIONS = ['give_up', 'retry', 'retry_in_call', 'undo', 'note'] as const
export const SHAPES = [
  'flat',
  'write_in_call',
  'sync_in_call',
  'sync_unawaited',
  'no_sync',
  'sync_first',
  'two_calls_at_once',
  'create',
  'hang',
  /** A called operation writes and syncs, and declares the systems itself. */
  'declared_call',
  /** Another process sends what it wrote. */
  'outbox',
  /** One statement changes every row. */
  'bulk',
  /** Checks the version, and tries again where it was another one. */
  'retried_check',
  /** Writes and reports nothing. */
  'raw',
] as const
export const SECTIONS = ['none', 'held', 'void'] as const
export const PROTECTIONS = ['advisory_lock', 'row_lock', 'external', 'version'] as const
export const READS = ['none', 'before', 'after', 'both', 'cached'] as const
export const UNSEEN = ['nothing', 'own_change', 'undecided'] as const

export interface Program {
  readonly row: number
  readonly process: number
  readonly style: (typeof STYLES)[number]
  readonly field: string
  /** Few values, so that A → B → A happens. */
  readonly value: number
  readonly guard: (typeof GUARDS)[number]
  readonly fate: 'commit' | 'roll_back' | 'unknown_committed' | 'unknown_rolled_back'
  readonly shape: (typeof SHAPES)[number]
  readonly answers: readonly Answer[]
  readonly reaction: (typeof REACTIONS)[number]
  readonly syncs: readonly SyncTarget[]
  readonly section: (typeof SECTIONS)[number]
  readonly protection: (typeof PROTECTIONS)[number]
  readonly sectionName: string
  /** It reads before it enters its section. */
  readonly entersLate: boolean
  /** When it reads the other row: before it writes its own, or after; `cached` is an old state without a version. */
  readonly reads: (typeof READS)[number]
  /** What its own transaction changes under its feet, as a trigger or raw SQL does, and whether it can tell. */
  readonly unseen: (typeof UNSEEN)[number]
  /** Its writes are marked by hand: they know what they came from, and not what they replaced. */
  readonly marked: boolean
  /** What a second system answers, if it has to reach one. */
  readonly mail: Answer | 'none'
  /** It sends another value than the row's for one of the fields. */
  readonly alters: boolean
  /** Its syncs say which version they carry. */
  readonly names: boolean
  /** Whether the external system tells its revisions. */
  readonly revisions: boolean
  /** Steps that it does something else before it syncs. */
  readonly pause: number
}
