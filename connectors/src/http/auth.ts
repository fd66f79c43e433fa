import { hash } from 'node:crypto'
import { pathOf, valueAt } from '../field-paths.ts'

/** How requests say who asks. Made by `basic`, `bearer` and `login`. */
export type HttpAuth =
  | { readonly kind: 'static'; readonly header: string; readonly value: string }
  | ({ readonly kind: 'login' } & LoginOptions)

export interface LoginOptions {
  /** Where a token is got: POST, unless `body` is left out. */
  readonly url: string
  /** Sent as JSON, or as a form with `form: true`. */
  readonly body?: Readonly<Record<string, unknown>>
  readonly form?: boolean
  readonly headers?: Readonly<Record<string, string>>
  /** Where the answer has the token. Default `$.access_token`. */
  readonly token?: string
  /** Where it says for how many seconds. Default `$.expires_in`; where it does not say, until a 401. */
  readonly expiresIn?: string
  /** What carries it. Default: `authorization`, as `Bearer …`. */
  readonly header?: string
  /** Before the token. Default `Bearer `. */
  readonly prefix?: string
}

/** HTTP Basic (RFC 7617). */
export function basic(user: string, password: string): HttpAuth {
  const value = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
  return { kind: 'static', header: 'authorization', value }
}

export function bearer(token: string): HttpAuth {
  return { kind: 'static', header: 'authorization', value: `Bearer ${token}` }
}

/** A token that is got by a call of its own, got anew before it expires, and once more where it is refused. */
export function login(options: LoginOptions): HttpAuth {
  return { kind: 'login', ...options }
}

/** Before it expires, so that it does not on its way. */
const EXPIRES_EARLY_MS = 10_000

/** Asks for the login. @returns the answer's body @throws ListingError */
export type AskLogin = (options: LoginOptions, signal: AbortSignal) => Promise<unknown>

/** The headers that say who asks. */
export class Credentials {
  readonly #auth: HttpAuth | undefined
  readonly #ask: AskLogin
  #token: Promise<{ readonly text: string; readonly untilMs: number }> | undefined

  constructor(auth: HttpAuth | undefined, ask: AskLogin) {
    this.#auth = auth
    this.#ask = ask
  }

  /** @throws ListingError where the login fails */
  async headers(signal: AbortSignal): Promise<Readonly<Record<string, string>>> {
    const auth = this.#auth
    if (auth === undefined) return {}
    if (auth.kind === 'static') return { [auth.header]: auth.value }
    const token = await this.#current(auth, signal)
    return { [auth.header ?? 'authorization']: `${auth.prefix ?? 'Bearer '}${token}` }
  }

  /** The server refused the token. @returns whether another one may do */
  renew(): boolean {
    if (this.#auth?.kind !== 'login' || this.#token === undefined) return false
    this.#token = undefined
    return true
  }

  async #current(auth: LoginOptions, signal: AbortSignal): Promise<string> {
    for (;;) {
      const asked = this.#token
      const known = await asked?.catch(() => undefined)
      if (known && known.untilMs > performance.now()) return known.text
      // another request may have asked meanwhile
      if (this.#token !== asked) continue
      const asking = this.#ask(auth, signal).then((body) => readToken(auth, body))
      this.#token = asking
      return (await asking).text
    }
  }
}

function readToken({ token = '$.access_token', expiresIn = '$.expires_in' }: LoginOptions, body: unknown) {
  const text = valueAt(body, pathOf(token))
  const seconds = Number(valueAt(body, pathOf(expiresIn)))
  const ms =
    seconds > 0 ? Math.max(seconds * 1_000 - EXPIRES_EARLY_MS, seconds * 500) : Number.POSITIVE_INFINITY
  if (typeof text !== 'string' || text === '') throw new NoTokenError(token)
  return { text, untilMs: performance.now() + ms }
}

/** The login answered without a token. */
export class NoTokenError extends Error {
  override readonly name = 'NoTokenError'
  readonly path: string

  constructor(path: string) {
    super(`no token at ${path}`)
    this.path = path
  }
}

/** Names whoever asks, without telling. */
export function whoAsks(
  origin: string,
  auth: HttpAuth | undefined,
  headers: Readonly<Record<string, string>>,
): string {
  return hash('sha256', JSON.stringify([origin, auth ?? null, headers]), 'base64url')
}
