import type { Alert, AlertState, Finding, FindingKind, Resolution, Severity } from '@syncproof/core/contract'

/** A group of findings that is open, or whose end somebody is still to hear of. */
export interface AlertingGroup {
  readonly id: string
  readonly kind: FindingKind
  readonly operation: string | null
  readonly entity_type: string | null
  readonly pair: string | null
  /** Owners of the pair, or of the pairs that compare this type of entity. */
  readonly owners: readonly string[]
  readonly severity: Severity
  readonly status: 'open' | 'resolved'
  readonly muted: boolean
  readonly findings: number
  /** RFC 3339 */
  readonly opened_at: string
  readonly resolution: Resolution | null
  /** Whether any of its findings is open, and whether any is acknowledged. */
  readonly is_firing: boolean
  readonly is_acknowledged: boolean
  /** Reason of the maintenance window that holds pages of this group back. */
  readonly maintenance: string | null
  /** What sinks have heard last, or are to hear, that have not heard that it is over. */
  readonly told: Readonly<Record<string, ToldState | undefined>>
}

export interface ToldState {
  readonly state: Exclude<AlertState, 'resolved'>
  readonly severity: Severity
  readonly owner: string | null
}

/** The findings of a group in a message about it. */
export interface GroupSample {
  readonly open: number
  /** The newest one that is open, else the newest one; undefined where all have expired. */
  readonly newest: Finding | undefined
}

/** What a sink is to hear of a group. */
export interface NewAlert {
  readonly sink: string
  readonly state: AlertState
}

/** Says what sinks are to hear, from what they have heard. Both are called with the rows locked: they must be quick. */
export interface AlertPlan {
  next(group: AlertingGroup): readonly NewAlert[]
  message(group: AlertingGroup, sample: GroupSample, next: NewAlert): AlertMessage
}

/** `id` is that of the delivery. */
export type AlertMessage = Omit<Alert, 'id'>

/** A message that a worker has taken. */
export interface TakenAlert {
  readonly number: string
  readonly message: AlertMessage
  /** With this one. It is the token by which its end is told. */
  readonly attempts: number
  readonly createdMs: number
}

export type DeliveryEnd =
  | { readonly status: 'delivered' | 'given_up'; readonly answer: string }
  | { readonly status: 'waiting'; readonly answer: string; readonly pauseMs: number }

export interface AlertKey {
  readonly group: string
  readonly sink: string
}

/** Alerts by sink, over all projects. */
export interface AlertFigures {
  readonly sink: string
  readonly waiting: number
  /** When the oldest that waits was decided, milliseconds since 1970; null where none waits. */
  readonly oldestMs: number | null
  /** Groups that the sink has been told of, and not yet that they are over. */
  readonly firing: number
}

/** What is told to people outside. The truth about each message is a row: it is written with the decision, and sent until the
 *  sink has taken it. */
export interface AlertStore {
  /** Decides what sinks are to hear now. Two that do it at once decide one after the other.
   *  @returns how many messages were added */
  raise(projectId: string, plan: AlertPlan): Promise<number>
  /** Groups with a message for this sink that can be sent now, oldest first, at most 100. */
  due(projectId: string, sink: string): Promise<readonly string[]>
  /** Takes the next message of a group for a sink, for `leaseMs`: the oldest that is not sent, where it is due and nobody has it. */
  take(projectId: string, key: AlertKey, leaseMs: number): Promise<TakenAlert | undefined>
  /** Tells what became of it. @returns false where another worker has taken it meanwhile */
  settle(taken: TakenAlert, end: DeliveryEnd): Promise<boolean>
  /** Takes messages that a forgetful sink was told so long ago and that still hold, at most 8. */
  refresh(
    projectId: string,
    sink: string,
    refreshMs: number,
  ): Promise<readonly { readonly number: string; readonly message: AlertMessage }[]>
  /** For metrics. */
  figures(): Promise<readonly AlertFigures[]>
}
