import type {
  DetectedFinding,
  EventKind,
  FindingKind,
  ProcessReport,
  StoredEvent,
} from '../contract/index.ts'
import type { StoredOf } from './events.ts'

/** One operation as far as it is known, and how far that is. */
export interface OperationHistory {
  readonly operationId: string
  readonly process: ProcessReport
  /** Unique ids, ascending by seq. */
  readonly events: readonly StoredEvent[]
  /** `operation_finished` is here, and so is every sequence number of the process between the first and the
   *  last event of this operation: what is not here did not happen. Only then may absence be claimed. */
  readonly complete: boolean
  /** Events of the operations that this one called, directly or through others, so that a sync which a called
   *  operation sent is not taken for one that was never sent. Where `complete`, every one of them up to this
   *  operation's last event is here. Others under the same root may be among them. Unique ids, any order. */
  readonly family: readonly StoredEvent[]
  /** Operations that share a link with this one, directly or over others (links.ts), in any order, each once.
   *  Whoever is not among them can only hide a finding. Absent = none. */
  readonly neighbours?: readonly NeighbourHistory[]
  /** Of the process that ran it, where its end was reported. */
  readonly processEnd?: ProcessEnd | undefined
  /** Tokens of versions that an event of this operation replaced and that no write of any process made, although
   *  every event that any process produced meanwhile is stored. Absent = nobody has looked. */
  readonly unclaimed?: ReadonlySet<string>
}

/** Another operation, as far as it is known. */
export type NeighbourHistory = Pick<OperationHistory, 'operationId' | 'process' | 'events' | 'complete'>

export interface ProcessEnd {
  readonly event: StoredOf<'process_ended'>
  /** Every sequence number from the operation's first event to the process's last one is stored. */
  readonly whole: boolean
}

/** A member of an event, such as `write.overwritten_version`. */
type ContractField = {
  [K in EventKind]: `${K}.${Extract<keyof StoredOf<K>, string>}`
}[EventKind]

/** A judgement is a file: its name is its id is its page in docs/findings/. */
export interface Detector {
  readonly id: FindingKind
  /** One sentence: what it means when this is found. */
  readonly title: string
  /** Operations without an event of one of these kinds are not shown to it. */
  readonly needs: readonly EventKind[]
  /** What its claim rests on: without any one of these it claims nothing, or no more than `indeterminate`. */
  readonly reads: readonly ContractField[]
  /** What can only take its claim away. */
  readonly heeds?: readonly ContractField[]
  /** Pure: the same history gives the same findings. */
  detect(history: OperationHistory): readonly DetectedFinding[]
}
