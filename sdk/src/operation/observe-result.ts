/** How a call ended. */
export type Settled<T> =
  | { readonly ok: true; readonly value: Awaited<T> }
  | { readonly ok: false; readonly error: unknown }

/** Runs `run` and tells `settled` how it ended, once. Returns and throws exactly what `run` does: what is sync
 *  stays sync. A promise is answered with one that settles alike; a lazy thenable, which starts only when it is
 *  awaited (query builders), with one that starts then, in `enter`.
 *  @param settled must not throw
 *  @param enter runs code in the context of the call */
export function observeResult<T>(
  run: () => T,
  settled: (result: Settled<T>) => void,
  enter: <R>(run: () => R) => R,
): T {
  let value: T
  try {
    value = enter(run)
  } catch (error) {
    settled({ ok: false, error })
    throw error
  }
  if (isNativePromise(value)) return followPromise(value, settled) as T
  if (isThenable(value)) return followThenable(value, settled, enter) as T
  settled({ ok: true, value: value as Awaited<T> })
  return value
}

/** The derived promise is the one that the app holds: a rejection that nobody handles is still seen as such. */
function followPromise<T>(
  promise: Promise<unknown>,
  settled: (result: Settled<T>) => void,
): Promise<unknown> {
  const followed = promise.then(
    (value) => {
      settled({ ok: true, value: value as Awaited<T> })
      return value
    },
    (error: unknown) => {
      settled({ ok: false, error })
      throw error
    },
  )
  keepMembers(promise, followed)
  return followed
}

/** HTTP clients put members of their own on the promise that they return: `client.post(url).json()`. */
function keepMembers(from: object, to: object): void {
  for (const name of Object.keys(from))
    Object.defineProperty(to, name, { get: () => boundMember(from, name) })
}

/** Bound: a method that uses private members works on its own object only. */
function boundMember(of: object, name: PropertyKey): unknown {
  const member: unknown = Reflect.get(of, name, of)
  return typeof member === 'function' ? member.bind(of) : member
}

/** Of a proxy, `instanceof` runs a trap, which may throw. */
function isNativePromise(value: unknown): value is Promise<unknown> {
  try {
    return value instanceof Promise
  } catch {
    return false
  }
}

interface Thenable {
  then(resolve?: (value: unknown) => unknown, reject?: (error: unknown) => unknown): unknown
}

function isThenable(value: unknown): value is Thenable & object {
  try {
    const type = typeof value
    return (
      value !== null &&
      (type === 'object' || type === 'function') &&
      typeof (value as Partial<Thenable>).then === 'function'
    )
  } catch {
    return false
  }
}

function followThenable<T>(
  thenable: Thenable & object,
  settled: (result: Settled<T>) => void,
  enter: <R>(run: () => R) => R,
): unknown {
  let told = false
  const tell = (result: Settled<T>) => {
    if (!told) settled(result)
    told = true
  }
  const then = (resolve?: (value: unknown) => unknown, reject?: (error: unknown) => unknown) =>
    enter(() =>
      thenable.then(
        (value) => {
          tell({ ok: true, value: value as Awaited<T> })
          return resolve ? resolve(value) : value
        },
        (error) => {
          tell({ ok: false, error })
          if (reject) return reject(error)
          throw error
        },
      ),
    )
  // of a frozen one, a proxy would have to give each member away as it is
  return new Proxy(Object.isExtensible(thenable) ? thenable : Object.create(thenable), {
    get: (_target, name) => (name === 'then' ? then : boundMember(thenable, name)),
  })
}
