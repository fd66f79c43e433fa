import type { Intent, SyncTarget } from '@syncproof/core/contract'
import { elapsedUs, now, stamp } from './clock.ts'
import { type EntityInput, readEntity } from './entity.ts'
import { currentContext, runIn } from './operation/context.ts'
import { observeResult, type Settled } from './operation/observe-result.ts'
import { type Instruments, Operation } from './operation/operation.ts'
import { readMember } from './operation/outcome.ts'
import { guarded } from './operation/report-row.ts'

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
}

/** See `Syncproof.wrap`. */
export function wrap<F extends AnyFunction>(
  instruments: Instruments,
  fn: F,
  options: WrapOptions<Parameters<F>>,
): F {
  if (isGeneratorFunction(fn)) {
    instruments.warn(
      'generator_not_wrapped',
      `${fn.name || 'a generator function'} is not wrapped: its body runs after the call has returned`,
    )
    return fn
  }
  const name = options.name || fn.name || 'anonymous'
  // a proxy, so that name, length, statics and `new` stay the function's own
  return new Proxy(fn, {
    apply(target, thisArgument, args: Parameters<F>) {
      return callWrapped(instruments, name, options, args, () => Reflect.apply(target, thisArgument, args))
    },
  })
}

function callWrapped<Args extends readonly unknown[], R>(
  instruments: Instruments,
  name: string,
  options: WrapOptions<Args>,
  args: Args,
  run: () => R,
): R {
  const operation = beginOperation(instruments, name, options, args)
  if (!operation) return run()
  return observeResult(
    run,
    (result) => guarded({ operation }, () => finishOperation(operation, result)),
    (inside) => runIn({ operation }, inside),
  )
}

function beginOperation<Args extends readonly unknown[]>(
  instruments: Instruments,
  name: string,
  options: WrapOptions<Args>,
  args: Args,
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
      attempt(() => inputOf(options, args)),
    )
    if (parent) parent.inFlight += 1
    instruments.open.count += 1
    const caller = nearestReported(parent)
    if (caller && !operation.silent) caller.calls += 1
    operation.produce({
      kind: 'operation_started',
      operation_id: operation.id,
      ...stamp(operation.startedAt),
      name,
      entity: operation.entity,
      parent_operation_id: caller?.id,
      root_operation_id: rootReported(operation).id,
      attempt: 1,
      intent: options.intent ?? 'unspecified',
      syncs: options.syncs?.map((target) => (typeof target === 'string' ? { system: target } : target)),
    })
    return operation
  } catch (error) {
    instruments.warn('internal', `a fault of Syncproof, not of the app: ${String(error)}`)
    return undefined
  }
}

function finishOperation<R>(operation: Operation, result: Settled<R>): void {
  if (result.ok && isIterator(result.value)) return // its work has only begun: it stays open
  const { parent } = operation
  // a silent one may have synced what nobody was told of: then its caller never counts as complete
  if (parent && !operation.silent) parent.inFlight -= 1
  operation.instruments.open.count -= 1
  operation.produce({
    kind: 'operation_finished',
    operation_id: operation.id,
    ...stamp(now()),
    outcome: result.ok ? 'ok' : 'failed',
    error: result.ok ? undefined : describeError(result.error),
    in_flight: operation.inFlight || undefined,
    calls: operation.calls || undefined,
    duration_us: elapsedUs(operation.startedAt),
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

function inputOf<Args extends readonly unknown[]>(options: WrapOptions<Args>, args: Args): unknown {
  return options.input ? options.input(...args) : args
}

const CODE = /^[A-Za-z0-9_.-]{1,64}$/

/** An error's message may spell values of records, so none of its words leave the process: only the class, and
 *  the codes that programs give to errors. */
function describeError(error: unknown): { type: string; message: string } {
  const name = readMember(error, 'name')
  const codes = ['code', 'status', 'statusCode'].flatMap((member) => {
    const code = readMember(error, member)
    const isCode = typeof code === 'number' || (typeof code === 'string' && CODE.test(code))
    return isCode ? [`${member} ${code}`] : []
  })
  return { type: typeof name === 'string' && CODE.test(name) ? name : 'Error', message: codes.join(', ') }
}

function isGeneratorFunction(fn: AnyFunction): boolean {
  return /^\[object (?:Async)?GeneratorFunction\]$/.test(Object.prototype.toString.call(fn))
}

function isIterator(value: unknown): boolean {
  return typeof readMember(value, 'next') === 'function' && typeof readMember(value, 'throw') === 'function'
}

function attempt<T>(run: () => T): T | undefined {
  try {
    return run()
  } catch {
    return undefined
  }
}
