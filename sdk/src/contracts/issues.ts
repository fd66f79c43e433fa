import { limits } from '@syncproof/core/contract'
import type { ContractIssue } from '../operation/contract.ts'
import { readMember } from '../operation/outcome.ts'
import type { SchemaIssue } from './standard-schema.ts'

/** What a schema found, by path and code. Its messages are left out, because they may spell values.
 *  @param hiddenId where ids are hidden, the one that is known */
export function describeIssues(
  issues: readonly SchemaIssue[],
  hiddenId?: string | undefined,
): readonly ContractIssue[] {
  return issues
    .slice(0, limits.issuesPerEventMax)
    .map((issue) => ({ path: pathOf(issue, hiddenId), code: codeOf(issue) }))
}

const NAME = /^[A-Za-z_$][\w$-]{0,63}$/
const WORD = /^[A-Za-z_$]+$/
const INDEX = /^\d{1,6}$/
const STEPS_MAX = 16

/** A JSON pointer. A step that is not a name could be a key made of data, such as an address: `*`. */
function pathOf(issue: SchemaIssue, hiddenId: string | undefined): string {
  const path = readMember(issue, 'path')
  const steps = Array.isArray(path) ? path.slice(0, STEPS_MAX) : []
  return steps.map((step: unknown) => `/${nameOf(step, hiddenId)}`).join('')
}

function nameOf(step: unknown, hiddenId: string | undefined): string {
  const key = typeof step === 'object' ? readMember(step, 'key') : step
  // a key that is no word may be an id, which of most kinds has digits; a number is a place in a list
  if (hiddenId !== undefined && typeof key === 'string' && (key === hiddenId || !WORD.test(key))) return '*'
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
