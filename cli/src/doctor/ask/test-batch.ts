import { randomUUID } from 'node:crypto'
import { CONTRACT_VERSION, type EntityRef, type EventBatch, findingId } from '@syncproof/core/contract'

export interface TestBatch {
  readonly batch: EventBatch
  /** Of this batch alone. */
  readonly entity: EntityRef
  /** Of the finding that it is. */
  readonly findingId: string
}

/** What an SDK would send of one call whose argument did not fit its contract: by itself a proven finding, whatever else is
 *  stored, and without waiting for anything. */
export function testBatch(nowMs: number): TestBatch {
  const entity = { type: 'syncproof-doctor', id: randomUUID() }
  const operation_id = randomUUID()
  const at = new Date(nowMs).toISOString()
  const base = (seq: number) => ({ id: uuidV7(nowMs), seq, at, monotonic_us: seq, operation_id })
  const violated = {
    ...base(1),
    kind: 'contract_violated' as const,
    boundary: 'input' as const,
    issues: [{ path: '/test', code: 'syncproof_doctor' }],
  }
  const events = [
    {
      ...base(0),
      kind: 'operation_started' as const,
      name: 'syncproof doctor',
      entity,
      root_operation_id: operation_id,
      attempt: 1,
      intent: 'unspecified' as const,
    },
    violated,
    { ...base(2), kind: 'operation_finished' as const, outcome: 'failed' as const },
  ]
  return {
    batch: {
      contract: CONTRACT_VERSION,
      process: {
        id: randomUUID(),
        service: 'syncproof doctor',
        books: { produced: events.length, dropped: {} },
      },
      events,
    },
    entity,
    findingId: findingId('contract-violation', violated.id),
  }
}

/** RFC 9562: the time, and 74 random bits. */
function uuidV7(nowMs: number): string {
  const time = nowMs.toString(16).padStart(12, '0')
  const random = randomUUID()
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(15)}`
}
