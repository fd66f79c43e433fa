import { AsyncResource } from 'node:async_hooks'
import { type Context, currentContext } from '../operation/context.ts'
import { guarded } from '../operation/guarded.ts'
import { ANYTHING } from '../operation/knowledge.ts'
import { loadParser } from '../sql/parser.ts'
import { type Call, readCall } from './call.ts'
import { catalogueOf } from './catalogue.ts'
import { type AdapterOptions, Connection, type DriverClient } from './connection.ts'

/** node-postgres's `Pool`, `Client` or `PoolClient`. */
export interface Observable {
  query(...args: never[]): unknown
  connect?(...args: never[]): unknown
}

interface DriverPool extends DriverClient {
  connect(): Promise<PooledClient>
}

interface PooledClient extends DriverClient {
  release(error?: unknown): void
  once(event: string, listener: () => void): unknown
  removeListener(event: string, listener: () => void): unknown
}

/** A pool or client like the one given, whose statements are read inside wrapped calls: what they read and wrote
 *  becomes evidence, with no mark around them. Results, errors and their order are those of the statements as they
 *  are written. Outside a wrapped call it only calls through. Nothing of node-postgres is changed. Needs the
 *  package `libpg-query`; without it statements run, and nothing is known of them.
 *
 *  `const pool = observe(new pg.Pool())` */
export function observe<T extends Observable>(target: T, options: AdapterOptions = {}): T {
  if (made.has(target)) return target
  void loadParser()
  const driver = target as unknown as DriverClient
  // a pool makes its clients itself, and a client is connected without giving one
  const isPool = 'totalCount' in target || !('release' in target || 'connection' in target)
  const observed = isPool
    ? observedPool(driver as DriverPool, options)
    : observedClient(driver, new Connection(driver, catalogueOf(target), options))
  return observed as unknown as T
}

/** Proxies that were given out, and what they observe. */
const made = new WeakMap<object, object>()

/** What is observed by this proxy; anything else as it is. */
export function unobserved<T extends object>(observed: T): T {
  return (made.get(observed) as T | undefined) ?? observed
}

const connections = new WeakMap<DriverClient, Connection>()
const clients = new WeakMap<Connection, DriverClient>()

function connectionOf(pool: DriverPool, client: DriverClient, options: AdapterOptions): Connection {
  const known = connections.get(client)
  if (known) return known
  const created = new Connection(client, catalogueOf(pool), options)
  connections.set(client, created)
  return created
}

function observedClient(client: DriverClient, connection: Connection): DriverClient {
  const known = clients.get(connection)
  if (known) return known
  const proxy = proxyOf(client, {
    query: (...args) => {
      const context = currentContext()
      if (!context && !connection.isBusy) return client.query(...args)
      const call = readCall(args)
      if (!call) touchedUnread(context)
      return call ? answerTo(call, connection.query(context, call)) : client.query(...args)
    },
  })
  clients.set(connection, proxy)
  return proxy
}

function observedPool(pool: DriverPool, options: AdapterOptions): DriverClient {
  const take = async () => {
    const client = await pool.connect()
    return observedClient(client, connectionOf(pool, client, options))
  }
  return proxyOf(pool, {
    query: (...args) => {
      const context = currentContext()
      const call = context && readCall(args)
      if (!call) touchedUnread(context)
      return call ? answerTo(call, queryPool(pool, options, call)) : pool.query(...args)
    },
    connect: (...args) => {
      const [callback] = args
      if (typeof callback !== 'function') return take()
      const connect = pool.connect as (callback: ConnectCallback) => unknown
      // a pool that is full calls back from where another call gives its client back: that call's doing it is not
      const answer = AsyncResource.bind<ConnectCallback, undefined>((error, client, release) => {
        const observed = client && observedClient(client, connectionOf(pool, client, options))
        callback(error, observed, release)
      })
      return connect.call(pool, answer)
    },
  })
}

/** A cursor or a stream goes straight to the driver: what it reads or writes is not seen. */
function touchedUnread(context: Context | undefined): void {
  if (context) guarded(context, () => context.operation.knowledge.touchedBlindly(ANYTHING))
}

type ConnectCallback = (error: unknown, client: DriverClient | undefined, release: unknown) => void

/** As the pool's own `query` does: a client whose statement failed is not used again. */
async function queryPool(pool: DriverPool, options: AdapterOptions, call: Call) {
  const client = await pool.connect()
  // the error of a connection that breaks also reaches the statement that waits on it
  const ignore = () => {}
  client.once('error', ignore)
  let failed: unknown
  try {
    return await connectionOf(pool, client, options).query(currentContext(), call)
  } catch (error) {
    failed = error
    throw error
  } finally {
    client.removeListener('error', ignore)
    client.release(failed)
  }
}

/** In the form that the call asked for. */
function answerTo(call: Call, running: Promise<unknown>): unknown {
  const { callback } = call
  if (!callback) return running
  running.then(
    // what the app's callback throws is the app's: not a rejection of ours
    (result) => process.nextTick(() => callback(null, result as never)),
    (error) => process.nextTick(() => callback(error)),
  )
  return undefined
}

type Method = (...args: readonly unknown[]) => unknown

/** The target with some methods of its own; all others are called on the target itself. */
function proxyOf<T extends DriverClient>(target: T, methods: Readonly<Record<string, Method>>): T {
  const bound = new WeakMap<object, Method>()
  const proxy: T = new Proxy(target, {
    get(_, name) {
      if (typeof name === 'string' && Object.hasOwn(methods, name)) return methods[name]
      const member: unknown = Reflect.get(target, name, target)
      if (typeof member !== 'function' || name === 'constructor') return member
      const known = bound.get(member)
      if (known) return known
      const method: Method = (...args) => {
        const result: unknown = Reflect.apply(member, target, args)
        // what can be chained stays observed
        return result === target ? proxy : result
      }
      bound.set(member, method)
      return method
    },
    set: (_, name, value) => Reflect.set(target, name, value, target),
  })
  made.set(proxy, target)
  return proxy
}
