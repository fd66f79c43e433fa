import { hash } from 'node:crypto'

/** Every id is made from what the span says of itself, so that a span that is sent twice makes the same events twice, and
 *  the second time they are duplicates. */

/** What an event of a span is. `answer`: of a read, a write or a sync. */
export type Place = 'start' | 'answer' | 'end'

/** @param trace 32 hex digits
 *  @param span 16 hex digits
 *  @returns the id of the operation that the span is */
export function operationIdOf(trace: string, span: string): string {
  return uuidV8(`operation\n${trace}\n${span}`)
}

/** A whole trace stands for the caller of each of its operations: what one call did is not held against another call of
 *  the same trace. */
export function rootIdOf(trace: string): string {
  return uuidV8(`trace\n${trace}`)
}

/** @param identity what the resource says of itself */
export function processIdOf(identity: string): string {
  return uuidV8(`process\n${identity}`)
}

/** A UUIDv7 of the time of the event, its other bits a hash of the span.
 *  @param ns nanoseconds since 1970 */
export function eventIdOf(trace: string, span: string, place: Place, ns: bigint): string {
  const time = (ns / NS_PER_MS).toString(16).padStart(12, '0')
  return uuid(time + digest(`event\n${trace}\n${span}\n${place}`).slice(12), '7')
}

/** OpenTelemetry for JavaScript begins every span at a whole millisecond and adds how long it took, so that a call may seem
 *  to end after the operation that made it. An operation is numbered as if it had started and ended so much earlier and
 *  later. */
const CLOCK_MARGIN_NS = 2_000_000n

const NS_PER_MS = 1_000_000n
const NS_PER_US = 1_000n
/** 2026-01-01. Numbers stay below 2^53 until 2043. */
const EPOCH_US = 1_767_225_600_000_000n
const PLACES_PER_US = 16n

/** The number of an event in its process: spans have none, so it is the time, which puts the events of an operation in
 *  their order. A microsecond has sixteen places: an operation starts in one of the first four and ends in one of the last
 *  three, its reads, writes and syncs are between. **The thirteenth is never given**, so that no run of numbers from the
 *  start of an operation to its end is ever whole: who finds an operation by its numbers alone finds a gap in it.
 *
 *  Two events of one process in one place would contradict each other; the hash makes that rare.
 *  @param ns of the start, the answer or the end
 *  @returns a whole number from 0 up */
export function sequenceNumberOf(trace: string, span: string, place: Place, ns: bigint): number {
  const margin = place === 'start' ? -CLOCK_MARGIN_NS : place === 'end' ? CLOCK_MARGIN_NS : 0n
  const us = (ns + margin) / NS_PER_US - EPOCH_US
  return Number((us < 0n ? 0n : us) * PLACES_PER_US + placeOf(trace, span, place, ns))
}

function placeOf(trace: string, span: string, place: Place, ns: bigint): bigint {
  if (place === 'answer') return 4n + (ns % NS_PER_US) / 125n
  const noise = BigInt(Number.parseInt(digest(`place\n${trace}\n${span}\n${place}`).slice(0, 8), 16))
  return place === 'start' ? noise % 4n : 13n + (noise % 3n)
}

/** Its version says that it was made here: see `isMadeOfSpans`. */
function uuidV8(text: string): string {
  return uuid(digest(text), '8')
}

function digest(text: string): string {
  return hash('sha256', `syncproof otlp\n${text}`, 'hex').slice(0, 32)
}

function uuid(hex: string, version: '7' | '8'): string {
  const variant = ((Number.parseInt(hex[16] ?? '0', 16) & 3) | 8).toString(16)
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    version + hex.slice(13, 16),
    variant + hex.slice(17, 20),
    hex.slice(20, 32),
  ].join('-')
}
