import type { SyncTarget } from '../../contract/index.ts'
import {
  ANSWERS,
  GUARDS,
  PROTECTIONS,
  type Program,
  REACTIONS,
  READS,
  SECTIONS,
  SHAPES,
  STYLES,
  UNSEEN,
} from './program.ts'

type Choices<T> = { readonly [K in keyof T]: readonly [T[K], ...T[K][]] }

const ATS: readonly SyncTarget[] = [{ system: 'ats' }]
const BY_OUTBOX: readonly SyncTarget[] = [{ system: 'ats', async: true }]

/** What each member of a program is drawn from, the simplest first and the likelier ones more than once. */
export const choices: Choices<Omit<Program, 'answers'> & { answer: Program['answers'][number] }> = {
  row: [0, 0, 1],
  process: [0, 1],
  style: ['spread', ...STYLES],
  field: ['a', 'b'],
  value: [0, 1, 2],
  guard: ['none', 'none', ...GUARDS],
  fate: ['commit', 'commit', 'commit', 'commit', 'roll_back', 'unknown_committed', 'unknown_rolled_back'],
  shape: ['flat', 'flat', 'create', 'create', ...SHAPES],
  answer: ['ok', 'rejected', ...ANSWERS],
  reaction: [...REACTIONS],
  syncs: [ATS, ATS, BY_OUTBOX, []],
  section: ['none', 'none', ...SECTIONS],
  protection: ['advisory_lock', ...PROTECTIONS],
  sectionName: ['merge', 'merge', 'score'],
  entersLate: [false, false, true],
  reads: ['none', 'none', 'before', 'before', ...READS],
  unseen: ['nothing', 'nothing', 'nothing', 'nothing', 'nothing', ...UNSEEN],
  marked: [false, false, false, false, true],
  mail: ['none', 'none', 'none', 'none', 'none', 'ok', ...ANSWERS],
  alters: [false, false, false, true],
  names: [true, true, true, false],
  revisions: [false, true],
  pause: [0, 0, 4],
}

const CONTENDED_SHAPES: ReadonlySet<Program['shape']> = new Set([
  'sync_in_call',
  'sync_unawaited',
  'outbox',
  'raw',
])

/** The same call, so that it commits and syncs: what only happens between operations happens among these. */
export function contended(given: Program): Program {
  return {
    ...given,
    style: given.style === 'counter' || given.style === 'expression' ? 'derived' : given.style,
    guard: 'none',
    fate: 'commit',
    shape: CONTENDED_SHAPES.has(given.shape) ? given.shape : 'flat',
    answers: ['ok', 'ok'],
    syncs: ATS,
    mail: 'none',
    pause: given.pause * 3,
  }
}
