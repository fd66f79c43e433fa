import { randomBytes, randomUUID } from 'node:crypto'
import {
  createFingerprinter,
  type EventBatch,
  formatToken,
  type SyncproofEvent,
} from '@syncproof/core/contract'

const fingerprinter = createFingerprinter('test')

/** What an SDK in one process would send: operations on candidates, some of which lose an update. */
export function createReporter() {
  const processId = randomUUID()
  let seq = 0
  const base = () => ({
    id: uuidV7(),
    seq: seq++,
    at: new Date().toISOString(),
    monotonic_us: Math.round(performance.now() * 1_000),
  })

  /** One run of `syncCandidate`. With `loses`, its write goes over a version that it had not read and sets the
   *  score back: a lost update, proven by the write alone. */
  function operation(id: string, loses: boolean): SyncproofEvent[] {
    const operationId = randomUUID()
    const entity = { type: 'candidate', id }
    const common = { operation_id: operationId }
    const version = (value: number) =>
      formatToken({ kind: 'xmin', database: 'db', table: 'candidates', key: id, value: String(value) })
    const fields = (score: number) => ({
      score: fingerprinter.fingerprint(entity, 'score', `n:${score}`, 'auto'),
    })
    return [
      {
        ...base(),
        ...common,
        kind: 'operation_started',
        name: 'syncCandidate',
        entity,
        root_operation_id: operationId,
        attempt: 1,
        intent: 'unspecified',
      },
      {
        ...base(),
        ...common,
        kind: 'read',
        system: 'db',
        entity,
        found: true,
        version: version(1),
        fields: fields(1),
      },
      {
        ...base(),
        ...common,
        kind: 'write',
        system: 'db',
        entity,
        action: 'update',
        base_version: version(1),
        known_versions: [version(1)],
        overwritten_version: version(loses ? 2 : 1),
        overwritten_by_self: false,
        version: version(3),
        assigned: { score: 'value' },
        base_fields: fields(1),
        overwritten_fields: fields(loses ? 2 : 1),
        fields: fields(loses ? 1 : 3),
        guard: 'none',
        transaction: 'none',
        outcome: 'ok',
      },
      { ...base(), ...common, kind: 'operation_finished', outcome: 'ok' },
    ]
  }

  return {
    operation,
    batch: (events: readonly SyncproofEvent[]): EventBatch => ({
      contract: 1,
      process: {
        id: processId,
        service: 'candidate-api',
        release: '1.2.0',
        books: { produced: seq, dropped: {} },
      },
      events,
    }),
  }
}

function uuidV7(nowMs = Date.now()): string {
  const hex = nowMs.toString(16).padStart(12, '0') + randomBytes(10).toString('hex')
  const variant = (8 + (Number.parseInt(hex[16] ?? '0', 16) & 3)).toString(16)
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `7${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-')
}

/** Posts a batch as it is. Rejects where no answer comes. */
export async function post(
  url: string,
  key: string,
  batch: EventBatch,
): Promise<{ status: number; body: unknown }> {
  const reply = await fetch(`${url}/v1/events`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify(batch),
  })
  return { status: reply.status, body: await reply.json() }
}
