import type { WriteAction } from '@syncproof/core/contract'
import { type EntityInput, readEntity } from '../entity.ts'
import { sync } from '../marks.ts'
import { currentContext } from '../operation/context.ts'
import { guarded } from '../operation/guarded.ts'
import type { OutcomeRules } from '../operation/outcome.ts'
import type { SyncproofWarning } from '../warnings.ts'
import { accepts, faultOfSystem } from './system-contract.ts'
import { type UniqueKey, uniqueKeyOf } from './unique-key.ts'

export type { UniqueKey } from './unique-key.ts'

type AnyMethod = (this: never, ...args: never[]) => unknown

/** What a call of one method means. */
export interface MethodOptions<Args extends readonly unknown[], Result = unknown> {
  readonly action: WriteAction
  /** The record that the call is about: its id, of the operation's entity type, or type and id. Default: the
   *  operation's. */
  readonly entity?: ((...args: Args) => EntityInput | EntityInput['id'] | undefined) | undefined
  /** What is sent of the record. Default: nothing is known of its fields. */
  readonly payload?: ((...args: Args) => unknown) | undefined
  readonly idempotencyKey?: ((...args: Args) => string | undefined) | undefined
  /** The record's id in that system, where the result tells it. */
  readonly externalId?: ((result: Awaited<Result>) => string | number | null | undefined) | undefined
  /** What the system should hold only once, of the payload. Default: the proxy's. */
  readonly uniqueKey?: UniqueKey | undefined
}

/** The methods of a client that are calls of the external system, and the clients in it that have such. */
export type Methods<T> = {
  readonly [K in keyof T]?: T[K] extends (...args: infer Args) => infer Result
    ? MethodOptions<Args, Result>
    : T[K] extends object
      ? Methods<T[K]>
      : never
}

export interface ProxyOptions<T> {
  /** The external system, as in `syncs`. */
  readonly system: string
  readonly methods: Methods<T>
  /** What statuses and error codes of this system mean, where it is other than HTTP's own rules. */
  readonly contract?: OutcomeRules | undefined
  /** What the system should hold only once, of the payload of each method. With it, two creates of one record that
   *  the system took for two are found. Default: nothing is declared. */
  readonly uniqueKey?: UniqueKey | undefined
  /** Told of options that are wrong, in production. Default: `process.emitWarning`. */
  readonly onWarning?: ((warning: SyncproofWarning) => void) | undefined
}

/** A client that does what `client` does, and whose listed methods, inside a wrapped call, are reported as
 *  syncs, as `syncproof.sync` reports them. Its type, `this`, getters, setters and private fields stay: its
 *  code runs on the original, so what a method of the client calls by itself is not seen.
 *  @throws TypeError wrong options, but where NODE_ENV is `production` */
export function proxy<T extends object>(client: T, options: ProxyOptions<T>): T {
  const fault = faultOf(client, options)
  return accepts('proxy', fault, options?.onWarning) ? proxied(client, options.methods, options) : client
}

function faultOf(client: unknown, options: ProxyOptions<object>): string | undefined {
  if (!isObject(client)) return '`client` must be an object'
  return faultOfSystem(options) ?? (isObject(options.methods) ? undefined : '`methods` must name methods')
}

type Settings = Pick<ProxyOptions<object>, 'system' | 'contract' | 'uniqueKey'>

function proxied<T extends object>(client: T, methods: object, settings: Settings): T {
  /** By the member itself: reading one twice gives the same. */
  const members = new WeakMap<object, object>()
  const self: T = new Proxy(proxyTargetOf(client), {
    get(_target, name) {
      const value: unknown = Reflect.get(client, name, client)
      if (!isObject(value) || name === 'constructor') return value
      const made = members.get(value) ?? memberOf(value, name)
      members.set(value, made)
      return made
    },
    set: (_target, name, value) => Reflect.set(client, name, value, client),
  })
  return self

  function memberOf(value: object, name: PropertyKey): object {
    const listed: unknown = Object.hasOwn(methods, name) ? Reflect.get(methods, name) : undefined
    if (typeof value !== 'function') return isObject(listed) ? proxied(value, listed, settings) : value
    if (isObject(listed) && !isMethod(listed)) return proxied(value, listed, settings)
    return new Proxy(value as AnyMethod, {
      apply(method, thisArgument, args: never[]) {
        const run = () => Reflect.apply(method, thisArgument === self ? client : thisArgument, args)
        return isObject(listed) ? runMethod(listed as MethodOptions<never[]>, settings, args, run) : run()
      },
    })
  }
}

function runMethod(
  method: MethodOptions<never[]>,
  settings: Settings,
  args: never[],
  run: () => unknown,
): unknown {
  const context = currentContext()
  let mark: (() => unknown) | undefined
  if (context) {
    guarded(context, () => {
      const id = method.entity?.(...args)
      const entity = isObject(id) ? id : id !== undefined && { type: context.operation.entity.type, id }
      const payload = method.payload?.(...args)
      const { system, contract } = settings
      const { action, externalId } = method
      const idempotencyKey = method.idempotencyKey?.(...args)
      const about = readEntity(entity || undefined) ?? context.operation.entity
      const uniqueKey = uniqueKeyOf(method.uniqueKey ?? settings.uniqueKey, () => payload, about)
      const options = { action, contract, externalId, idempotencyKey, uniqueKey, ...(entity && { entity }) }
      mark = () => sync(system, payload, run, options)
    })
  }
  return mark ? mark() : run()
}

/** A client with members that can never change would have to give these very members away. */
function proxyTargetOf<T extends object>(client: T): T {
  const descriptors = Object.values(Object.getOwnPropertyDescriptors(client))
  const isFixed = descriptors.some(({ configurable, writable }) => !configurable && !writable)
  if (!isFixed) return client
  // made anew: the same members, as ones that can change
  const open = descriptorsAsOpen(client)
  if (typeof client !== 'function') return Object.create(Object.getPrototypeOf(client), open) as T
  const callable = (...args: never[]) => Reflect.apply(client, undefined, args)
  return Object.defineProperties(callable, open) as unknown as T
}

function descriptorsAsOpen(client: object): PropertyDescriptorMap {
  const entries = Object.entries(Object.getOwnPropertyDescriptors(client))
  return Object.fromEntries(
    entries.map(([name, descriptor]) => [name, { ...descriptor, configurable: true }] as const),
  )
}

function isMethod(listed: object): boolean {
  return typeof Reflect.get(listed, 'action') === 'string'
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}
