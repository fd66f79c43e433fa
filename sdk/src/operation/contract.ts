import type { ContractViolated } from '@syncproof/core/contract'

export type Boundary = ContractViolated['boundary']

/** Paths and codes; never a value of a record. */
export type ContractIssue = ContractViolated['issues'][number]

/** Checks of what crosses the boundaries of a wrapped call. Made by `@syncproof/sdk/contracts`, so that who
 *  declares none does not load it. */
export interface Contract {
  /** Runs a call between the checks of its input and its output. */
  call<T>(call: CheckedCall<T>, witness: ContractWitness): T
  /** Runs something that resolves with the answer of an external system, and checks that. */
  response<T>(system: string, run: () => T, witness: ContractWitness): T
  /** Checks an answer that the app has already. Never throws: there is nothing left to refuse. */
  sawResponse(system: string, value: unknown, witness: ContractWitness): void
}

export interface CheckedCall<T> {
  readonly name: string
  readonly args: readonly unknown[]
  /** It answers with a promise, even where it fails at once. */
  readonly isAsync: boolean
  readonly run: () => T
}

/** Who is told what a check found. Nothing of it throws. */
export interface ContractWitness {
  /** Where ids are hidden, that of the operation's entity: then no step of a path is told that may be an id. */
  readonly hiddenId?: string | undefined
  violated(boundary: Boundary, issues: readonly ContractIssue[], system?: string): void
  /** A check has begun whose answer comes later. @returns it has come */
  begin(): () => void
  /** A schema failed in itself. */
  failed(message: string): void
}
