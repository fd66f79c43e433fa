import type { EntityRef, Severity, StoredEvent } from '../contract/index.ts'
import type { FindingInput } from './finding-input.ts'

/** What a derivation may look at: the events, and of the finding only what says which claim is meant. */
export interface Evidence {
  readonly events: readonly StoredEvent[]
  readonly finding: FindingInput
}

/** One rule of a proof. */
export interface Step {
  /** What the witness must show. */
  readonly must: string
  /** Why nothing is proven without it. */
  readonly because: string
  readonly holds: boolean
}

/** What the events of a witness say happened, to be held against what the finding says. */
export interface Claim {
  /** What the finding's id is a hash of, beside its kind. */
  readonly primary: string
  /** Undefined where the witness does not tell it. */
  readonly entity: EntityRef | undefined
  readonly fields: readonly string[]
  /** Only where the events decide it. */
  readonly severity?: Severity
  /** RFC 3339. */
  readonly occurredAt: string
  /** Of the operation that did it. */
  readonly operationId: string
  readonly details: Readonly<Record<string, unknown>>
  /** All that the proof rests on. */
  readonly events: readonly StoredEvent[]
  /** Which event proves it, and how, in a sentence. */
  readonly says: string
  /** What no event of the witness shows, each as the rest of a sentence that begins with "that". */
  readonly onTrust: readonly string[]
}

export type Derivation =
  | { readonly outcome: 'proven'; readonly steps: readonly Step[]; readonly claim: Claim }
  | { readonly outcome: 'refuted'; readonly step: Step }
  | { readonly outcome: 'not-verifiable'; readonly why: string }

export function step(holds: boolean, must: string, because: string): Step {
  return { must, because, holds }
}

export function refuted(must: string, because: string): Derivation {
  return { outcome: 'refuted', step: { must, because, holds: false } }
}

export function notVerifiable(why: string): Derivation {
  return { outcome: 'not-verifiable', why }
}

/** Proven where every step holds; else refuted by the first that does not. The claim is asked for only then. */
export function conclude(steps: readonly Step[], claim: () => Claim): Derivation {
  const failed = steps.find(({ holds }) => !holds)
  return failed ? { outcome: 'refuted', step: failed } : { outcome: 'proven', steps, claim: claim() }
}
