import { compareFingerprints, type StoredEvent, type SyncEvent, type WriteEvent } from '../contract/index.ts'

/** What programs have done to one record. */
export interface History {
  /** Committed, oldest first. */
  readonly writes: readonly StoredWrite[]
  readonly syncs: readonly StoredSync[]
}

export type StoredWrite = WriteEvent & StoredEvent
export type StoredSync = SyncEvent & StoredEvent

/** An answer that was a yes stands, whatever later attempts of the same said; without one the last attempt speaks. */
export function lastOf(syncs: readonly StoredSync[]): StoredSync | undefined {
  return (
    syncs.findLast(({ outcome }) => outcome === 'ok') ??
    syncs.findLast(({ outcome }) => outcome === 'unknown') ??
    syncs.at(-1)
  )
}

export function isOtherwise(fingerprint: string | undefined, other: string): boolean {
  return fingerprint !== undefined && compareFingerprints(fingerprint, other) === 'incomparable'
}

export function statusOf({ status }: StoredSync): string {
  return status === undefined ? '' : ` (${status})`
}

export function startMs({ at }: StoredEvent): number {
  return Date.parse(at)
}

export function endMs(event: StoredSync): number {
  return startMs(event) + (event.duration_us ?? 0) / 1_000
}

export function overlaps(one: StoredSync, other: StoredSync): boolean {
  return one.id !== other.id && startMs(one) <= endMs(other) && startMs(other) <= endMs(one)
}

export function isWrite(event: StoredEvent): event is StoredWrite {
  return event.kind === 'write'
}

export function isSync(event: StoredEvent): event is StoredSync {
  return event.kind === 'sync'
}

export function byTime(a: StoredEvent, b: StoredEvent): number {
  return startMs(a) - startMs(b) || (a.id < b.id ? -1 : 1)
}
