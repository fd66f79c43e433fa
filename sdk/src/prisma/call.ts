import { AsyncLocalStorage } from 'node:async_hooks'
import type { Models } from './models.ts'

/** One call of the extended client inside an operation, as the pool below must know it. */
export interface PrismaCall {
  readonly models: Models
  /** Of a model: Prisma wrote the SQL. */
  readonly isOfModel: boolean
  /** Statements that the pool saw on behalf of it. */
  statements: number
}

// one for the whole process: extension and pool may come from two copies of this module
const key = Symbol.for('@syncproof/sdk prisma call 1')
const shared = globalThis as { [key]?: AsyncLocalStorage<PrismaCall> }
shared[key] ??= new AsyncLocalStorage<PrismaCall>()
const storage = shared[key]

/** The call that a statement is sent for; undefined outside a wrapped function and without the extension. */
export function currentCall(): PrismaCall | undefined {
  return storage.getStore()
}

/** Runs a call; its promise may be one that only starts when it is awaited. */
export function runCall<T>(call: PrismaCall, run: () => PromiseLike<T>): Promise<T> {
  return storage.run(call, async () => await run())
}
