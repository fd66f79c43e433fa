import type {
  DetectedFinding,
  EventKind,
  FindingKind,
  ProcessReport,
  StoredEvent,
} from '../contract/index.ts'

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
}

/** A judgement is a file: its name is its id is its page in docs/findings/. */
export interface Detector {
  readonly id: FindingKind
  /** One sentence: what it means when this is found. */
  readonly title: string
  /** Operations without an event of one of these kinds are not shown to it. */
  readonly needs: readonly EventKind[]
  /** Pure: the same history gives the same findings. */
  detect(history: OperationHistory): readonly DetectedFinding[]
}
