import type { FastifySchemaCompiler } from 'fastify'
import { type $ZodIssue, type $ZodType, safeParse } from 'zod/v4/core'
import { findHostile } from './guard.ts'
import { jsonPointer } from './json-pointer.ts'
import { ProblemError } from './problem.ts'

/** Checks body, query and path parameters: for what is hostile whatever the schema, then by the schema. An ingest
 *  body is not checked here, since one bad event must not cost the others. */
export const validatorCompiler: FastifySchemaCompiler<$ZodType> = ({ schema, httpPart }) => {
  const problem = httpPart === 'body' ? bodyProblem : parameterProblem
  return (data: unknown) => {
    const hostile = findHostile(data)
    if (hostile !== undefined) return { error: problem(hostile.path, hostile.message) }
    const result = safeParse(schema, data)
    if (result.success) return { value: result.data }
    const [issue] = result.error.issues
    return { error: problem(issuePath(issue), issue?.message ?? 'is not valid') }
  }
}

/** The path of an issue; for a member that should not be there, its own path, not its parent's. */
export function issuePath(issue: $ZodIssue | undefined): PropertyKey[] {
  if (issue === undefined) return []
  return issue.code === 'unrecognized_keys' ? [...issue.path, ...issue.keys.slice(0, 1)] : issue.path
}

function bodyProblem(path: readonly PropertyKey[], message: string): ProblemError {
  const pointer = jsonPointer('', path)
  return new ProblemError('invalid_request', `${pointer || 'The body'}: ${message}`, { pointer })
}

function parameterProblem(path: readonly PropertyKey[], message: string): ProblemError {
  const parameter = String(path[0] ?? '')
  return new ProblemError('invalid_request', `${parameter || 'The parameters'}: ${message}`, {
    ...(parameter === '' ? {} : { parameter: parameter.slice(0, 100) }),
  })
}
