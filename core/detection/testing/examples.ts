import type { FindingKind, SyncproofEvent } from '../../contract/index.ts'
import type { OperationHistory } from '../history.ts'
import {
  bare,
  beside,
  cleanWrite,
  fingerprint,
  finished,
  history,
  later,
  operation,
  processReport,
  read,
  type Step,
  section,
  started,
  startedFor,
  sync,
  token,
  write,
} from './history-builder.ts'

/** For each kind that rests on events, the shortest history in which it is found. */

export const other = { type: 'doctor', id: 'd-2' }
const doctor = { type: 'doctor', id: 'd-1' }

const spreadMerge = write({
  name: ['Ann', 'Ann', 'Anna', 'supplied'],
  email: ['a@x', 'b@x', 'a@x', 'value'],
})

/** An operation that writes `email` over a version and brings `ats` what it made. */
export function synced(
  place: Parameters<typeof operation>[0],
  [from, to, value]: readonly [from: string, to: string, value: string],
  rest: Parameters<typeof sync>[2] = {},
): OperationHistory {
  const versions = { overwritten_version: token(from), known_versions: [token(from)], version: token(to) }
  return operation(
    place,
    startedFor('ats'),
    write({ email: ['0', '0', value, 'supplied'] }, { ...versions, base_version: token(from) }),
    sync('ok', { email: value }, { version: token(to), duration_us: 5_000, ...rest }),
    finished(),
  )
}

/** Two operations that each made a version of one row, and an outbox that sent the older one last.
 *  @param last what the sync of the older one says besides; `first` that of the newer one */
export function sentByOutbox(last: Parameters<typeof sync>[2] = {}, first: Parameters<typeof sync>[2] = {}) {
  const made = (number: number, from: string, to: string, value: string) =>
    operation(
      { operation: number, fromMs: number },
      started(),
      write(
        { email: ['0', '0', value, 'supplied'] },
        { overwritten_version: token(from), version: token(to) },
      ),
    )
  const [older, newer] = [made(0, '1', '2', 'a'), made(1, '2', '3', 'b')]
  const outbox = operation(
    { operation: 2, fromMs: 50 },
    started({ name: 'drain' }),
    sync('ok', { email: 'b' }, { version: token('3'), on_behalf_of: newer.operationId, ...first }),
    sync('ok', { email: 'a' }, { version: token('2'), on_behalf_of: older.operationId, ...last }),
  )
  return { older, newer, outbox }
}

/** Takes itself off duty because the other one is on duty. */
export function offDuty(
  place: Parameters<typeof operation>[0],
  self: typeof other,
  colleague: typeof other,
  ...more: readonly Step[]
): OperationHistory {
  return operation(
    place,
    started({ name: 'goOffDuty', entity: self }),
    read(
      '1',
      { onDuty: 'yes' },
      { entity: self, version: token('1', self.id), transaction: `tx-${self.id}` },
    ),
    read(
      '1',
      { onDuty: 'yes' },
      {
        entity: colleague,
        version: token('1', colleague.id),
        transaction: `tx-${self.id}`,
      },
    ),
    ...more,
    write(
      { onDuty: ['yes', 'yes', 'no', 'supplied'] },
      {
        entity: self,
        base_version: token('1', self.id),
        known_versions: [token('1', self.id)],
        overwritten_version: token('1', self.id),
        version: token('2', self.id),
        transaction: `tx-${self.id}`,
      },
    ),
    finished(),
  )
}

export function created(
  place: Parameters<typeof operation>[0],
  external_id: string,
  rest: Parameters<typeof sync>[2] = {},
): OperationHistory {
  const unique_key = fingerprint('a@x')
  const keyed = { action: 'create', unique_key, external_id, ...rest } as const
  return operation(place, started(), sync('ok', { email: 'a@x' }, keyed), finished())
}

const lockingRead = (rest: Parameters<typeof read>[2]) => read('1', { email: 'a' }, rest)

/** Kinds that comparison finds have none. */
export const examples: Partial<Record<FindingKind, OperationHistory>> = {
  'lost-update': history(started(), spreadMerge, finished()),
  'write-conflict': history(started(), write({ email: ['a', 'b', 'c', 'supplied'] }), finished()),
  'lock-void': history(started(), ...section(5, { transaction: 'tx-1', locked: false }), finished()),
  'partial-write': history(
    startedFor('ats'),
    cleanWrite('email', 'a', 'b'),
    sync('rejected', { email: 'b' }),
    finished(),
  ),
  'unknown-outcome': history(started(), sync('unknown', { email: 'b' }), finished()),
  'reordered-sync': beside(
    synced({ operation: 0, fromMs: 0 }, ['1', '2', 'a'], { external_version: '8', external_ordered: true }),
    synced({ operation: 1, fromMs: 1 }, ['2', '3', 'b'], { external_version: '7', external_ordered: true }),
  ),
  'duplicate-create': beside(created({ operation: 0 }, 'r-1'), created({ operation: 1, fromMs: 3 }, 'r-2')),
  'orphaned-operation': {
    ...history(started(), cleanWrite('email', 'a', 'b')),
    processEnd: {
      event: {
        ...{ id: '018f0000-0000-7000-8000-0000000000ff', seq: 255, kind: 'process_ended', last_seq: 255 },
        ...{ at: '2026-11-20T12:01:00.000Z', monotonic_us: 60_000_000, process_id: processReport.id },
      },
      whole: true,
    },
  },
  'unobserved-write': {
    ...history(started(), write({ email: ['a', 'b', 'c', 'supplied'] }), finished()),
    unclaimed: new Set([token('2')]),
  },
  'write-skew': beside(
    offDuty({ operation: 0 }, doctor, other),
    offDuty({ operation: 1, fromMs: 1 }, other, doctor),
  ),
  'contract-violation': history(
    started(),
    bare('contract_violated', { boundary: 'input', issues: [{ path: '/email', code: 'invalid_string' }] }),
  ),
  'invariant-violation': history(
    started(),
    bare('invariant_violated', {
      name: 'hiredHasEmail',
      entity: { type: 'candidate', id: 'c-17' },
      system: 'db',
    }),
  ),
  'unguarded-read-modify-write': history(
    started(),
    read('1', { email: 'a' }),
    write({ email: ['a', 'a', 'b', 'value'] }, { overwritten_version: token('1') }),
    finished(),
  ),
  'lock-outside-transaction': history(
    started(),
    lockingRead({ lock: { mode: 'FOR UPDATE', in_transaction: false } }),
    write({ email: ['a', 'a', 'b', 'value'] }, { overwritten_version: token('1') }),
    finished(),
  ),
  'read-before-lock': history(
    started(),
    read('1', { score: '10' }),
    read('1', {}, { lock: { mode: 'FOR UPDATE', in_transaction: true }, transaction: 'tx-1' }),
    write(
      { score: ['10', '10', '11', 'value'] },
      { overwritten_version: token('1'), guard: 'lock', transaction: 'tx-1' },
    ),
    finished(),
  ),
  'check-then-create': history(
    started(),
    read('1', {}, { found: false, version: undefined }),
    write(
      { email: [undefined, undefined, 'a', 'supplied'] },
      { action: 'create', overwritten_version: 'none' },
    ),
    finished(),
  ),
  'sync-without-outbox': history(
    startedFor('ats'),
    cleanWrite('email', 'a', 'b'),
    sync('ok', { email: 'b' }),
    finished(),
  ),
  'sync-inside-transaction': history(
    startedFor('ats'),
    cleanWrite('email', 'a', 'b', { transaction: 'tx-1' }),
    sync('ok', { email: 'b' }),
    later(-3, bare('transaction_finished', committed('tx-1'))),
    finished(),
  ),
}

function committed(transaction: string): Partial<SyncproofEvent> {
  return {
    transaction,
    isolation: 'read committed',
    outcome: 'ok',
    duration_us: 10_000,
  } as Partial<SyncproofEvent>
}
