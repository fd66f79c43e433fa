import type { Boundary, ContractIssue } from '../operation/contract.ts'

/** Something that crossed the boundary of a wrapped function is not as its contract says. Tells paths and codes,
 *  and no values: an error often ends in a log. */
export class ContractViolationError extends Error {
  override name = 'ContractViolationError'
  readonly boundary: Boundary
  /** Of a response: the system that gave it. */
  readonly system: string | undefined
  readonly issues: readonly ContractIssue[]

  constructor(
    { boundary, system, name }: { boundary: Boundary; system?: string | undefined; name: string },
    issues: readonly ContractIssue[],
  ) {
    const found = issues.map(({ path, code }) => `${path || '/'} ${code}`).join(', ')
    super(`the ${boundary} of ${name} breaks its contract: ${found}`)
    this.boundary = boundary
    this.system = system
    this.issues = issues
  }
}
