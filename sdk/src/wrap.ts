import type { Intent, SyncTarget } from '@syncproof/core/contract'
import { now } from './clock.ts'
import { type EntityInput, readEntity, readOperationId } from './entity.ts'
import { currentContext, runIn } from './operation/context.ts'
import type { CheckedCall, Contract, ContractWitness } from './operation/contract.ts'
import { attempt, faulted } from './operation/guarded.ts'
import { isText } from './operation/member.ts'
import { observeResult, type Settled } from './operation/observe-result.ts'
import { type Instruments, Operation } from './operation/operation.ts'
import { readMember } from './operation/outcome.ts'
import { witnessOf } from './operation/witness.ts'
import { TextMap } from './report/text-map.ts'
import { activeSpan, markSpan, traceOf } from './telemetry/active-span.ts'

// never: a parameter type that every function's parameters accept
export type AnyFunction = (this: never, ...args: never[]) => unknown

export interface WrapOptions<Args extends readonly unknown[]> {
  /** The record that a call is about, from its arguments. A call for which it throws, or gives no type and
   *  id, runs as it is and is not reported. */
  readonly entity: (...args: Args) => EntityInput
  /** Default: the function's name. */
  readonly name?: string | undefined
  /** The systems that a call must reach before it ends; `{ system, async: true }` where an outbox does it
   *  later. Default: not declared, so that a sync which is never sent is no more than a hazard. */
  readonly syncs?: readonly (string | SyncTarget)[] | undefined
  /** What the function means to do about other writers. Default: `unspecified`. */
  readonly intent?: Intent | undefined
  /** The arguments that carry the caller's values. What the function writes is taken for the caller's own
   *  where it equals one of them, and a client object or a callback among them may hold any value: then name
   *  the others here, `(db, id, updates) => [id, updates]`. Default: all arguments. */
  readonly input?: ((...args: Args) => unknown) | undefined
  /** Fields of the entity that are counted up or down from what was read, in every write of the call. */
  readonly counter?: readonly string[] | undefined
  /** Fields of the entity where the last writer is meant to win. A timestamp that is made during the call is one. */
  readonly lastWriteWins?: readonly string[] | undefined
  /** The id of the operation whose writes the syncs of this one carry, as `operationId` gave it there: of a
   *  worker that empties an outbox, `(job) => job.operationId`. */
  readonly onBehalfOf?: ((...args: Args) => string | null | undefined) | undefined
  /** 1 for the first try of the same work: `(job) => job.attemptsMade + 1`. Default: 1. */
  readonly attempt?: ((...args: Args) => number) | undefined
  /** The id of the operation that this one tries again. */
  readonly retryOf?: ((...args: Args) => string | null | undefined) | undefined
  /** Equal for all tries of the same work. */
  readonly idempotencyKey?: ((...args: Args) => string | null | undefined) | undefined
  /** What the arguments, the result and the answers of external systems must look like; made by `contract` of
   *  `@syncproof/sdk/contracts`. */
  readonly contract?: Contract | undefined
}

/** See `Syncproof.wrap`. */
export function wrap<F extends AnyFunction>(
  instruments: Instruments,
  fn: F,
  options: WrapOptions<Parameters<F>>,
): F {
  if (isOfKind(fn, GENERATOR)) {
    instruments.warn(
      'generator_not_wrapped',
      `${fn.name || 'a generator function'} is not wrapped: its body runs after the call has returned`,
    )
    return fn
  }
  const name = options.name || fn.name || 'anonymous'
  const isAsync = isOfKind(fn, ASYNC)
  const syncs = options.syncs && [options.syncs].flat().filter(Boolean).map(targetOf)
  // a proxy, so that name, length, statics and `new` stay the function's own
  return new Proxy(fn, {
    apply(target, thisArgument, args: Parameters<F>) {
      const run = () => Reflect.apply(target, thisArgument, args)
      return callWrapped(instruments, options, syncs, { name, args, isAsync, run })
    },
  })
}

/** Only what an event takes: nothing else that the object may hold leaves the process. */
function targetOf(target: string | SyncTarget): SyncTarget {
  if (typeof target === 'string') return TextMap.of({ system: target })
  const { system, async } = target
  return TextMap.of({ system, async })
}

/** The function with its contract enforced, and nothing reported: for a client that is disabled. */
export function enforceOnly<F extends AnyFunction>(fn: F, { name, contract }: WrapOptions<Parameters<F>>): F {
  if (!contract) return fn
  const isAsync = isOfKind(fn, ASYNC)
  return new Proxy(fn, {
    apply(target, thisArgument, args) {
      const run = () => Reflect.apply(target, thisArgument, args)
      return contract.call({ name: name || fn.name, args, isAsync, run }, NO_WITNESS)
    },
  })
}

const NO_WITNESS: ContractWitness = { violated() {}, begin: () => () => {}, failed() {} }

function callWrapped<Args extends readonly unknown[], R>(
  instruments: Instruments,
  options: WrapOptions<Args>,
  syncs: readonly SyncTarget[] | undefined,
  call: CheckedCall<R> & { readonly args: Args },
): R {
  const { contract } = options
  const sections = currentContext()?.sections
  const operation = beginOperation(instruments, options, syncs, call)
  if (!operation) return contract ? contract.call(call, NO_WITNESS) : call.run()
  return observeResult(
    contract ? () => contract.call(call, witnessOf(operation)) : call.run,
    (result) => {
      try {
        finishOperation(operation, result)
      } catch (error) {
        faulted({ operation }, error)
      }
    },
    (inside) => runIn({ operation, sections }, inside),
  )
}

function beginOperation<Args extends readonly unknown[]>(
  instruments: Instruments,
  options: WrapOptions<Args>,
  syncs: readonly SyncTarget[] | undefined,
  { name, args }: { readonly name: string; readonly args: Args },
): Operation | undefined {
  try {
    const parent = currentContext()?.operation
    const entity = attempt(() => readEntity(options.entity(...args)))
    if (!entity)
      instruments.warn(
        'no_entity',
        `a call of ${name} is not reported: \`entity\` gave no type and id for it`,
      )
    const operation = new Operation(
      instruments,
      parent,
      entity,
      options.input ? [attempt(() => options.input?.(...args))] : args,
      {
        counter: options.counter,
        lastWriteWins: options.lastWriteWins,
        onBehalfOf: options.onBehalfOf && attempt(() => readOperationId(options.onBehalfOf?.(...args))),
        contract: options.contract,
      },
    )
    if (!parent) operation.sampledOut = instruments.isLeftOut({ name, entity: operation.entity })
    if (parent) parent.inFlight += 1
    instruments.open.count += 1
    const caller = nearestReported(parent)
    if (caller && !operation.silent) caller.calls += 1
    const span = activeSpan()
    if (instruments.spanAttributes && !parent && !operation.silent)
      markSpan(span, { id: operation.id, name, type: operation.entity.type })
    operation.produce('operation_started', operation.startedAt, {
      name,
      entity: operation.entity,
      parent_operation_id: caller?.id,
      root_operation_id: rootReported(operation).id,
      ...tryOf(options, args),
      ...traceOf(span),
      intent: options.intent ?? 'unspecified',
      syncs,
    })
    return operation
  } catch (error) {
    instruments.warn('internal', error)
    return undefined
  }
}

function finishOperation<R>(operation: Operation, result: Settled<R>): void {
  if (result.ok && isIterator(result.value)) return // its work has only begun: it stays open
  const { parent } = operation
  // a failed call may have had its writes rolled back
  operation.finish(result.ok ? 'ok' : 'unknown')
  // a silent one may have synced what nobody was told of: then its caller never counts as complete
  if (parent && !operation.silent) parent.inFlight -= 1
  operation.instruments.open.count -= 1
  const endedAt = now()
  operation.produce('operation_finished', endedAt, {
    outcome: result.ok ? 'ok' : 'failed',
    error: result.ok ? undefined : describeError(result.error),
    in_flight: operation.inFlight || undefined,
    calls: operation.calls || undefined,
    duration_us: endedAt.monotonicUs - operation.startedAt.monotonicUs,
  })
}

function nearestReported(operation: Operation | undefined): Operation | undefined {
  let candidate = operation
  while (candidate?.silent) candidate = candidate.parent
  return candidate
}

function rootReported(operation: Operation): Operation {
  let root = operation
  for (let above = operation.parent; above; above = above.parent) if (!above.silent) root = above
  return root
}

/** Which try of the same work a call is. */
function tryOf<Args extends readonly unknown[]>(options: WrapOptions<Args>, args: Args) {
  const number = attempt(() => options.attempt?.(...args))
  const key = attempt(() => options.idempotencyKey?.(...args))
  return {
    attempt: number !== undefined && Number.isSafeInteger(number) && number > 0 ? number : 1,
    retry_of: attempt(() => readOperationId(options.retryOf?.(...args))),
    idempotency_key: isText(key) ? key : undefined,
  }
}

const CODE = /^[A-Za-z0-9_.-]{1,64}$/

/** An error's message may spell values of records, so none of its words leave the process: only the class, and
 *  the codes that programs give to errors. What is thrown and is no error may be a record itself, whose name and
 *  code are values. */
function describeError(error: unknown): { type: string; message: string } {
  // of a proxy, `instanceof` runs a trap, which may throw
  if (!attempt(() => error instanceof Error)) return { type: 'Error', message: '' }
  const name = readMember(error, 'name')
  const codes = ['code', 'status', 'statusCode'].flatMap((member) => {
    const code = readMember(error, member)
    const isCode = typeof code === 'number' || (typeof code === 'string' && CODE.test(code))
    return isCode ? [`${member} ${code}`] : []
  })
  return { type: typeof name === 'string' && CODE.test(name) ? name : 'Error', message: codes.join(', ') }
}

const GENERATOR = /^\[object (?:Async)?GeneratorFunction\]$/
const ASYNC = /^\[object AsyncFunction\]$/

function isOfKind(fn: AnyFunction, kind: RegExp): boolean {
  return kind.test(Object.prototype.toString.call(fn))
}

function isIterator(value: unknown): boolean {
  return typeof readMember(value, 'next') === 'function' && typeof readMember(value, 'throw') === 'function'
}
