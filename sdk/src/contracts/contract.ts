import type { CheckedCall, Contract, ContractWitness } from '../operation/contract.ts'
import { observeResult } from '../operation/observe-result.ts'
import { type Crossing, check, isPromise } from './check.ts'
import type { StandardSchema } from './standard-schema.ts'

/** Schemas are those of any library with the Standard Schema interface: Zod, Valibot, ArkType … */
export interface ContractOptions {
  /** Of the arguments, as one list: `z.tuple([z.string(), candidateUpdates])`. */
  readonly input?: StandardSchema | undefined
  /** Of what the function returns, or its promise resolves with. */
  readonly output?: StandardSchema | undefined
  /** By system: of what the callback of its `sync` returns, or its promise resolves with. */
  readonly response?: Readonly<Record<string, StandardSchema>> | undefined
  /** Also throw a `ContractViolationError`: before the function runs, where its input is refused; in place of the
   *  result, where the output or a response is, although the work is done then. Async functions reject with it.
   *  A call waits for a schema that answers with a promise, and so answers with one itself: enforce such a schema
   *  on async functions only. Default: false, and calls go on as if nothing was checked. */
  readonly enforce?: boolean | undefined
}

/** A contract for the option `contract` of `wrap`. Values are checked as they are: what a schema makes of them
 *  (a default, a conversion, a member left out) is not used, with `enforce` neither. A schema that throws has
 *  checked nothing, and is a warning.
 *  @throws TypeError where a schema is none, unless NODE_ENV is `production`: there it is one that fails */
export function contract(options: ContractOptions): Contract {
  const { input, output, response = {}, enforce = false } = options
  if (process.env.NODE_ENV !== 'production') refuseWrongSchemas({ input, output, ...response })
  const checks = enforce ? enforced : observed
  const ofResponse = (system: string, witness: ContractWitness): Expected | undefined => {
    const schema = Object.hasOwn(response, system) ? response[system] : undefined
    return schema && { boundary: 'response', system, name: system, schema, witness }
  }
  return {
    call<T>(call: CheckedCall<T>, witness: ContractWitness): T {
      const { name } = call
      // a copy of the list: what a schema does to it must not reach the function
      const given = input && {
        boundary: 'input' as const,
        name,
        schema: input,
        value: [...call.args],
        witness,
      }
      const made = output && { boundary: 'output' as const, name, schema: output, witness }
      return checks(given, made, call.run, call.isAsync)
    },
    response<T>(system: string, run: () => T, witness: ContractWitness): T {
      return checks(undefined, ofResponse(system, witness), run, false)
    },
    sawResponse(system, value, witness) {
      const expected = ofResponse(system, witness)
      if (expected) void check({ ...expected, value })
    },
  }
}

type Expected = Omit<Crossing, 'value'>

/** Looks on: the call is what it is without. */
function observed<T>(given: Crossing | undefined, expected: Expected | undefined, run: () => T): T {
  if (given) void check(given)
  if (!expected) return run()
  return observeResult(
    run,
    (result) => {
      if (result.ok) void check({ ...expected, value: result.value })
    },
    (inside) => inside(),
  )
}

function enforced<T>(
  given: Crossing | undefined,
  expected: Expected | undefined,
  run: () => T,
  isAsync: boolean,
): T {
  const goOn = () => (expected ? enforceResult(expected, run()) : run())
  if (!given) return goOn()
  const violation = check(given)
  if (isPromise(violation))
    return violation.then((found) => {
      if (found) throw found
      return goOn()
    }) as T
  if (!violation) return goOn()
  if (isAsync) return Promise.reject(violation) as T
  throw violation
}

function enforceResult<T>(expected: Expected, result: T): T {
  if (result instanceof Promise) return result.then((value: unknown) => enforceValue(expected, value)) as T
  // a lazy query must not be started by us: what it resolves with is only observed
  if (isPromise(result)) return observed(undefined, expected, () => result)
  return enforceValue(expected, result)
}

function enforceValue<T>(expected: Expected, value: T): T {
  const violation = check({ ...expected, value })
  if (isPromise(violation))
    return violation.then((found) => {
      if (found) throw found
      return value
    }) as T
  if (violation) throw violation
  return value
}

function refuseWrongSchemas(schemas: Readonly<Record<string, StandardSchema | undefined>>): void {
  for (const [boundary, schema] of Object.entries(schemas)) {
    if (schema === undefined || typeof schema['~standard']?.validate === 'function') continue
    throw new TypeError(
      `contract: \`${boundary}\` is not a schema with the Standard Schema interface (Zod from 3.24, Valibot from 1.0, ArkType from 2.0)`,
    )
  }
}
