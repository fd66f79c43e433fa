import type { DetectedFinding } from '../../contract/index.ts'
import type { OperationHistory } from '../../detection/history.ts'
import { detectOperation } from '../../detection/index.ts'
import { examples, sentByOutbox, synced } from '../../detection/testing/examples.ts'
import {
  beside,
  call,
  cleanWrite,
  finished,
  history,
  operation,
  section,
  started,
  startedFor,
  sync,
  token,
  without,
  write,
} from '../../detection/testing/history-builder.ts'

/** Proven findings as the real detectors make them of short histories, and as a store gives them out. */
function provenIn(whole: OperationHistory): readonly DetectedFinding[] {
  const { findings } = detectOperation(whole)
  return JSON.parse(JSON.stringify(findings.filter(({ verdict }) => verdict === 'proven')))
}

export function theOne(kind: string, whole: OperationHistory | undefined): DetectedFinding {
  const found = whole ? provenIn(whole).filter((finding) => finding.kind === kind) : []
  if (!found[0] || found.length > 1) throw new Error(`${found.length} proven ${kind}`)
  return found[0]
}

function holding(number: number, fromMs: number): OperationHistory {
  const transaction = `tx-${number}`
  return operation(
    { operation: number, fromMs: fromMs + 8 },
    started({ name: 'rescore' }),
    ...section(9, { transaction }),
    finished(),
  )
}

const rejected = sync('rejected', { name: 'Anna' })
const revision = (external_version: string) => ({ external_version, external_ordered: true })

/** One a way in which a kind is proven. */
export const realFindings: Readonly<Record<string, DetectedFinding>> = {
  'lost-update, set back': theOne('lost-update', examples['lost-update']),
  'lost-update, computed': theOne('lost-update', history(write({ score: ['10', '20', '11', 'value'] }))),
  'lost-update, counted': theOne('lost-update', history(write({ score: ['10', '11', '11', 'counter'] }))),
  'write-conflict': theOne('write-conflict', examples['write-conflict']),
  'lock-void, holds nothing': theOne('lock-void', examples['lock-void']),
  'lock-void, foreign version': theOne(
    'lock-void',
    history(
      write({ score: ['1', '2', '3', 'supplied'] }, { section: { name: 'rescore', base_read_inside: true } }),
    ),
  ),
  'lock-void, overlap': theOne('lock-void', beside(holding(0, 0), holding(1, 4))),
  'partial-write, rejected': theOne('partial-write', examples['partial-write']),
  'partial-write, never sent': theOne(
    'partial-write',
    history(startedFor('ats'), cleanWrite('name', 'Ann', 'Anna'), finished()),
  ),
  'partial-write, rejected by the database': theOne(
    'partial-write',
    history(
      startedFor('ats'),
      sync('ok', { name: 'Anna' }),
      cleanWrite('name', 'Ann', 'Anna', { outcome: 'rejected' }),
      finished(),
    ),
  ),
  'partial-write, an older value got through': theOne(
    'partial-write',
    history(
      startedFor('ats'),
      cleanWrite('name', 'a', 'b', { version: token('2') }),
      sync('ok', { name: 'b' }),
      cleanWrite('name', 'b', 'c', { overwritten_version: token('2'), base_version: token('2') }),
      sync('rejected', { name: 'c' }, { attempt: 2 }),
      finished(),
    ),
  ),
  'partial-write, a new row, noted to have failed': theOne(
    'partial-write',
    history(
      startedFor('ats'),
      write(
        { name: [undefined, undefined, 'Anna', 'value'] },
        { action: 'create', overwritten_version: 'none' },
      ),
      rejected,
      write({ triedAt: ['1', '1', '2', 'last_write_wins'] }),
      finished(),
    ),
  ),
  'reordered-sync, by revisions': theOne('reordered-sync', examples['reordered-sync']),
  'reordered-sync, by the clock of one process': theOne(
    'reordered-sync',
    beside(
      operation(
        {},
        started(),
        write(
          { email: ['0', '0', 'a', 'supplied'] },
          { overwritten_version: token('1'), version: token('2') },
        ),
        sync(
          'ok',
          { email: 'a' },
          { version: token('2'), at: '2026-11-20T12:00:00.020Z', monotonic_us: 20_000 },
        ),
        finished(),
      ),
      synced({ operation: 1, fromMs: 2 }, ['2', '3', 'b']),
    ),
  ),
  'reordered-sync, of a payload that names no version': theOne(
    'reordered-sync',
    beside(
      without(synced({ operation: 0 }, ['1', '2', 'a'], revision('10')), 'sync', 'version'),
      synced({ operation: 1, fromMs: 1 }, ['2', '3', 'b'], revision('9')),
    ),
  ),
  'reordered-sync, sent by an outbox': theOne('reordered-sync', outboxed()),
  'reordered-sync, over a version in between': theOne('reordered-sync', chained()),
  'partial-write, refused to an operation that it called': theOne(
    'partial-write',
    history(
      startedFor('ats'),
      cleanWrite('name', 'Ann', 'Anna'),
      call(startedFor(), rejected, finished()),
      finished(),
    ),
  ),
  'orphaned-operation': theOne('orphaned-operation', examples['orphaned-operation']),
  'write-skew': theOne('write-skew', examples['write-skew']),
  'contract-violation': theOne('contract-violation', examples['contract-violation']),
  'contract-violation, of nobody knows what': theOne(
    'contract-violation',
    withoutStart(examples['contract-violation']),
  ),
  'invariant-violation': theOne('invariant-violation', examples['invariant-violation']),
}

function chained(): OperationHistory {
  const place = (number: number, fromMs: number) => ({ operation: number, fromMs })
  const between = operation(
    place(2, 1),
    startedFor('crm'),
    cleanWrite('phone', '0', '1', { overwritten_version: token('2'), version: token('2b') }),
  )
  const older = synced(place(0, 0), ['1', '2', 'a'], revision('8'))
  return beside(older, synced(place(1, 2), ['2b', '3', 'b'], revision('7')), between)
}

function outboxed(): OperationHistory {
  const { older, newer, outbox } = sentByOutbox(revision('9'), revision('8'))
  return beside(outbox, older, newer)
}

/** As where the start was dropped: the finding is then about no entity. */
function withoutStart(whole: OperationHistory | undefined): OperationHistory | undefined {
  return whole && { ...whole, events: whole.events.filter(({ kind }) => kind !== 'operation_started') }
}
