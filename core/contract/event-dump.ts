import type { OpaqueEvent, ProcessReport, SyncproofEvent } from './event.ts'

/** Events out of one Syncproof and into another: `GET /v1/events`, and the file that `syncproof events export` writes. One
 *  JSON object a line:
 *
 *      export          what this is
 *      process         before the first event of a process; again where its books have grown
 *      event           …
 *      cursor          whoever was cut off after it goes on from there
 *      end             the last line; without it something is missing
 */
export type DumpLine = DumpHead | DumpProcess | DumpEvent | DumpCursor | DumpEnd

/** The version of this form. */
export const DUMP_VERSION = 1

export interface DumpHead {
  readonly type: 'export'
  readonly version: number
  /** The newest contract of the collector that wrote it. */
  readonly contract: number
  /** What was asked for; without a member, everything that is stored. */
  readonly filter: Readonly<Record<string, string>>
}

export interface DumpProcess {
  readonly type: 'process'
  readonly process: ProcessReport
  /** RFC 3339, by the store's clock. */
  readonly first_seen_at: string
  readonly last_seen_at: string
  /** How many contradictions its telemetry holds; nothing may be claimed from what is absent of such a process. */
  readonly inconsistent: number
}

export interface DumpEvent {
  readonly type: 'event'
  readonly process_id: string
  /** As it was sent. */
  readonly event: SyncproofEvent | OpaqueEvent
  /** It contradicts an event that was stored before it. All such events come last. */
  readonly inconsistent?: DumpMark
}

export interface DumpMark {
  readonly contradicts: 'sequence' | 'operation' | 'version'
  /** The event that stands; null where it is not known. */
  readonly event_id: string | null
}

export interface DumpCursor {
  readonly type: 'cursor'
  readonly cursor: string
}

export interface DumpEnd {
  readonly type: 'end'
  /** Since the head, or since the cursor that was asked for. */
  readonly events: number
}
