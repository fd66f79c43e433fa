import type { EntityRef } from './entity.ts'
import type { FindingKind, Severity } from './finding.ts'

/** `firing`: findings of the group are open. `acknowledged`: somebody has seen all that are open. `resolved`: it is over. */
export const ALERT_STATES = ['firing', 'acknowledged', 'resolved'] as const
export type AlertState = (typeof ALERT_STATES)[number]

/** What a sink is told of a group of findings when its state changes. No values of records; texts that come from the app are
 *  one line each, cut, without control characters. */
export interface Alert {
  /** Of this message: the same each time it is tried, 1 to 64 characters of `[A-Za-z0-9_-]`. */
  readonly id: string
  /** Of the group: the same as long as it exists, at most 255 characters of `[A-Za-z0-9_./-]`. */
  readonly dedupKey: string
  readonly state: AlertState
  readonly project: string
  readonly kind: FindingKind
  readonly severity: Severity
  /** The pair whose sides differ; null where no comparison found it. */
  readonly pair: string | null
  /** Name of the wrapped function; null where nobody knows it. */
  readonly operation: string | null
  readonly entityType: string | null
  readonly owner: string | null
  /** One line: what, who, where. */
  readonly title: string
  /** One line: what the newest finding says, or why it is over. */
  readonly summary: string
  /** Findings that ever joined the group, and those that are open now. */
  readonly findings: number
  readonly open: number
  /** The newest finding of the group. */
  readonly finding?:
    | {
        readonly id: string
        readonly entity?: EntityRef | undefined
        readonly fields: readonly string[]
        readonly service?: string | undefined
        readonly release?: string | undefined
        readonly traceId?: string | undefined
      }
    | undefined
  /** RFC 3339: since when the group has been open, and when it came into this state. */
  readonly since: string
  readonly at: string
  /** The page of this kind of finding, and what shows its findings. */
  readonly help: string
  readonly command: string
  /** Sent by `syncproof alert test`. */
  readonly test?: true | undefined
}

/** What came back, as one line for people. */
export type SinkAnswer =
  | { readonly isTaken: true; readonly answer: string }
  | {
      readonly isTaken: false
      readonly answer: string
      /** The same message may be taken later; else it never will be. */
      readonly isLater: boolean
      /** The sink asks for a pause so long. */
      readonly pauseMs?: number | undefined
    }

/** Which alerts a sink is told; what is left out is not looked at. */
export interface AlertRoute {
  readonly owners?: readonly string[] | undefined
  readonly severities?: readonly Severity[] | undefined
  readonly kinds?: readonly FindingKind[] | undefined
  readonly pairs?: readonly string[] | undefined
}

/** Something that alerts are sent to. */
export interface AlertSink {
  /** As the configuration calls it; unique. */
  readonly name: string
  /** `slack`, `webhook` … */
  readonly kind: string
  /** For people: where it is, without secrets. */
  readonly place: string
  readonly only: AlertRoute
  /** What a sink that forgets is told again while it lasts. */
  readonly refreshMs?: number | undefined
  /** Of a sink that knows no such state, it is left out. */
  readonly states: readonly AlertState[]
  /** Never rejects. Ends soon after `signal` is aborted. */
  send(alert: Alert, signal: AbortSignal): Promise<SinkAnswer>
}
