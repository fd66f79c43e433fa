import { errorCatalogue } from '@syncproof/core/contract/errors'
import { z } from 'zod'
import { component } from './registry.ts'

const codes = Object.keys(errorCatalogue)

const problemSchema = component(
  'Problem',
  z
    .looseObject({
      type: z.string().meta({ description: 'Relative reference: /errors/<code>. Stable.' }),
      title: z.string(),
      status: z.int(),
      code: z.enum(codes),
      detail: z.string(),
      instance: z.string().meta({ description: 'urn:uuid:<request id>, as in the collector’s log.' }),
      pointer: z.string().optional().meta({ description: 'RFC 6901, into the body of the request.' }),
      parameter: z.string().optional().meta({ description: 'Name of the query or path parameter.' }),
    })
    .meta({ description: 'RFC 9457. docs/errors.md says of each code how to solve it.' }),
)

type ProblemStatus = 400 | 401 | 403 | 404 | 408 | 413 | 415 | 422 | 429 | 500 | 503

/** Response schemas of the problems that a route can answer. 500 and 503 are every route's. */
export function problems<S extends ProblemStatus>(...statuses: readonly S[]) {
  const response = {
    description: 'A problem document (RFC 9457).',
    content: { 'application/problem+json': { schema: problemSchema } },
  }
  return Object.fromEntries([...statuses, 500, 503].map((status) => [status, response])) as Record<
    S | 500 | 503,
    typeof response
  >
}
