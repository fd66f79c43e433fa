import type { EntityRef } from '@syncproof/core/contract'
import type { Moment } from '../clock.ts'
import { readEntity } from '../entity.ts'
import type { Context, MarkScope } from '../operation/context.ts'
import { guarded } from '../operation/guarded.ts'
import type { Settled } from '../operation/observe-result.ts'
import { segmentsOf } from './http-answer.ts'
import type { SeenRequest } from './http-request.ts'
import type { FetchOptions } from './observe-fetch.ts'
import type { Dispatches } from './sent-bytes.ts'

/** One call of an observed `fetch` inside an operation. */
export interface Exchange {
  readonly context: Context
  readonly options: FetchOptions
  readonly request: SeenRequest
  /** Undefined where the address is relative to what only the client knows. */
  readonly url: URL | undefined
  readonly dispatches: Dispatches
  readonly sentAt: Moment
}

/** What is told how the call ended. Must not throw. */
export interface Call {
  readonly dispatches: Dispatches
  settled(result: Settled<unknown>): void
}

/** The mark around the call, where it is of this kind and system: it makes the event. */
export function markAround(
  { context, options }: Exchange,
  kind: MarkScope['kind'],
): (Context & { readonly scope: MarkScope }) | undefined {
  const { operation, scope } = context
  return scope?.kind === kind && scope.system === options.system ? { operation, scope } : undefined
}

/** The record that the app says the request is about; `none` where it says that it is about none. */
export function toldEntity({ options, request }: Exchange, body: unknown): EntityRef | 'none' | undefined {
  if (!options.entity) return undefined
  const { method, url } = request
  return readEntity(options.entity({ method, url, body })) ?? 'none'
}

/** Where the path holds the id: at its end, before it, or nowhere. */
export function placeOfId({ url }: Exchange, id: string): 'end' | 'inside' | undefined {
  const segments = url ? segmentsOf(url) : []
  if (segments.at(-1) === id) return 'end'
  return segments.includes(id) ? 'inside' : undefined
}

export function recordIn({ options }: Exchange, body: unknown): unknown {
  return options.record && body !== undefined ? options.record(body as never) : body
}

/** At once where the value is there, so that what needs no waiting is in order. */
export function whenKnown<T, R>(value: T | Promise<T>, use: (value: T) => R): R | Promise<R> {
  return value instanceof Promise ? value.then(use) : use(value)
}

/** What goes wrong when nobody waits any more is told as if it had gone wrong at once. */
export function guardLater(context: Context, done: unknown): void {
  if (!(done instanceof Promise)) return
  done.catch((error: unknown) =>
    guarded(context, () => {
      throw error
    }),
  )
}
