import type { OpaqueEvent, ProcessReport, SyncproofEvent } from '@syncproof/core/contract'

export type AnyEvent = SyncproofEvent | OpaqueEvent

/** What one process sent in one request. */
export interface Batch {
  readonly projectId: string
  readonly process: ProcessReport
  readonly events: readonly AnyEvent[]
}

export interface Appended {
  readonly accepted: number
  readonly duplicates: number
}

/** As `syncproof.lane_of`: a process stays in one lane. */
export function laneOf({ process }: Batch): number {
  return Number.parseInt(process.id.at(-1) ?? '0', 16) % LANES
}

export const LANES = 4
