import { limits } from '@syncproof/core/contract'
import type { ContractIssue } from '../operation/contract.ts'
import { readMember } from '../operation/outcome.ts'
import type { SchemaIssue } from './standard-schema.ts'

/** What a schema found, by path and code. Its messages are left out, because they may spell values. */
export function describeIssues(issues: readonly SchemaIssue[]): readonly ContractIssue[] {
  return issues
    .slice(0, limits.issuesPerEventMax)
    .map((issue) => ({ path: pathOf(issue), code: codeOf(issue) }))
}

const NAME = /^[A-Za-z_$][\w$-]{0,63}$/
const INDEX = /^\d{1,6}$/
const STEPS_MAX = 16

/** A JSON pointer. A step that is not a name could be a key made of data, such as an address: `*`. */
function pathOf(issue: SchemaIssue): string {
  const path = readMember(issue, 'path')
  const steps = Array.isArray(path) ? path.slice(0, STEPS_MAX) : []
  return steps.map((step: unknown) => `/${nameOf(step)}`).join('')
}

function nameOf(step: unknown): string {
  const key = typeof step === 'object' ? readMember(step, 'key') : step
  const text = typeof key === 'string' || typeof key === 'number' ? String(key) : ''
  return NAME.test(text) || INDEX.test(text) ? text : '*'
}

const CODE = /^[a-z][\w.-]{0,63}$/i

/** Zod and ArkType give a `code`, Valibot a `type` (`email`) of a `kind` (`validation`). */
function codeOf(issue: SchemaIssue): string {
  for (const member of ['code', 'type', 'kind']) {
    const code = readMember(issue, member)
    if (typeof code === 'string' && CODE.test(code)) return code
  }
  return 'invalid'
}
