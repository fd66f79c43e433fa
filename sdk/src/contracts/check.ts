import type { Boundary, ContractIssue, ContractWitness } from '../operation/contract.ts'
import { ContractViolationError } from './contract-violation-error.ts'
import { describeIssues } from './issues.ts'
import type { SchemaResult, StandardSchema } from './standard-schema.ts'

/** What crosses a boundary, and who is told of it. */
export interface Crossing {
  readonly boundary: Boundary
  /** Of a response. */
  readonly system?: string | undefined
  /** Of the wrapped function, or the system. */
  readonly name: string
  readonly schema: StandardSchema
  readonly value: unknown
  readonly witness: ContractWitness
}

type Violation = ContractViolationError | undefined

/** Asks the schema, and says what it found. Never throws or rejects: a schema that fails in itself has found
 *  nothing. @returns a promise only where the schema answers with one */
export function check(crossing: Crossing): Violation | Promise<Violation> {
  const { schema, value, witness } = crossing
  try {
    const result = schema['~standard'].validate(value)
    if (!isPromise(result)) return judge(crossing, result)
    const answered = witness.begin()
    return Promise.resolve(result)
      .then(
        (settled) => judge(crossing, settled),
        () => fail(crossing),
      )
      .finally(answered)
  } catch {
    return fail(crossing)
  }
}

function judge(crossing: Crossing, result: SchemaResult): Violation {
  let issues: readonly ContractIssue[]
  try {
    if (!result.issues) return undefined
    issues = describeIssues(result.issues, crossing.witness.hiddenId)
  } catch {
    return fail(crossing)
  }
  crossing.witness.violated(crossing.boundary, issues, crossing.system)
  return new ContractViolationError(crossing, issues)
}

/** Nothing of its error is told: it may spell values. */
function fail({ boundary, name, witness }: Crossing): undefined {
  witness.failed(`the ${boundary} schema of ${name} failed in itself: what it should check is not checked`)
}

export function isPromise(value: unknown): value is Promise<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as Partial<Promise<unknown>>).then === 'function'
  )
}
