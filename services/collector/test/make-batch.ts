import { randomBytes, randomUUID } from 'node:crypto'
import { gzipSync } from 'node:zlib'

export type Json = Record<string, unknown>

/** A UUIDv7 of this moment, milliseconds since 1970. */
export function uuidV7(timeMs: number = Date.now()): string {
  const time = timeMs.toString(16).padStart(12, '0')
  const rest = randomBytes(10).toString('hex')
  return `${time.slice(0, 8)}-${time.slice(8)}-7${rest.slice(0, 3)}-8${rest.slice(3, 6)}-${rest.slice(6, 18)}`
}

let nextSeq = 0

/** A whole operation_started; `changes` are laid over it. */
export function makeEvent(changes: Json = {}): Json {
  const operationId = randomUUID()
  return {
    id: uuidV7(),
    seq: nextSeq++,
    kind: 'operation_started',
    at: new Date().toISOString(),
    monotonic_us: 12.5,
    operation_id: operationId,
    root_operation_id: operationId,
    name: 'syncCandidate',
    entity: { type: 'candidate', id: '42' },
    attempt: 1,
    intent: 'unspecified',
    ...changes,
  }
}

/** The beginning of a run of a section. */
export function makeSection(name: string, locked: boolean): Json {
  const { id, seq, at, monotonic_us, operation_id, entity } = makeEvent()
  const section = { name, entity, protection: 'row_lock', locked }
  return { id, seq, kind: 'section_entered', at, monotonic_us, operation_id, ...section }
}

/** A whole batch of its own process. */
export function makeBatch(events: readonly unknown[], changes: Json = {}): Json {
  return { contract: 1, process: { id: randomUUID(), service: 'candidate-api' }, events, ...changes }
}

/** Nested arrays, `depth` of them. */
export function nested(depth: number): string {
  return '['.repeat(depth) + ']'.repeat(depth)
}

/** About `mebibytes` kB of gzip that inflate to `mebibytes` MiB of zeros. Made of members of 64 MiB, so that making it
 *  costs little memory itself. */
export function gzipBomb(mebibytes: number): Buffer {
  const member = gzipSync(Buffer.alloc(64 * 1024 * 1024))
  return Buffer.concat(Array.from({ length: mebibytes / 64 }, () => member))
}
