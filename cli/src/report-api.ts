import { type CommandContext, UnableError, UsageError } from './command.ts'
import { urlSetting } from './settings.ts'

const REQUEST_MS_MAX = 30_000
const URL_PRESET = 'http://127.0.0.1:4319'

export interface Page<T> {
  readonly items: readonly T[]
  readonly next_cursor: string | null
}

export type Query = Readonly<Record<string, string | number | undefined>>

/** The report API as the commands use it. Every method rejects with UnableError where the API does not answer or
 *  cannot, with UsageError where key or request are wrong, and with ApiProblem for the codes that were asked for. */
export interface ReportApi {
  readonly url: string
  get<T>(path: string, query?: Query, expected?: readonly string[]): Promise<T>
  post<T>(path: string, body: unknown, expected?: readonly string[]): Promise<T>
  /** The bytes of an answer as they come. Rejects with UnableError, too, where it breaks off. */
  stream(path: string, query: Query): AsyncIterable<Uint8Array>
  /** Items page by page, at most `itemsMax`. */
  list<T>(
    path: string,
    query: Query,
    itemsMax: number,
    expected?: readonly string[],
  ): Promise<{ items: T[]; more: boolean }>
}

/** A problem document with a code that the caller expects. */
export class ApiProblem extends Error {
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.name = 'ApiProblem'
    this.code = code
  }
}

/** Path segments, each encoded. */
export function apiPath(...segments: readonly string[]): string {
  return `/v1/${segments.map(encodeURIComponent).join('/')}`
}

/** @throws UsageError where there is no key in SYNCPROOF_API_KEY, or the address is no URL */
export function openReportApi(context: CommandContext): ReportApi {
  const url = (urlSetting(context, 'url', ['http:', 'https:']) ?? URL_PRESET).replace(/\/+$/, '')
  const key = context.env.SYNCPROOF_API_KEY
  if (!key) {
    throw new UsageError(
      'SYNCPROOF_API_KEY is not set.',
      'Set it to a key of the Syncproof that you ask: `syncproof dev` prints the one it made.',
    )
  }
  const send = (path: string, init: RequestInit, expected: readonly string[]) =>
    request(url, path, { ...init, headers: { ...init.headers, authorization } }, expected)

  const authorization = `Bearer ${key}`
  const get = <T>(path: string, query: Query = {}, expected: readonly string[] = []) =>
    send(path + queryText(query), {}, expected) as Promise<T>
  return {
    url,
    get,
    post: <T>(path: string, body: unknown, expected: readonly string[] = []) =>
      send(
        path,
        { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } },
        expected,
      ) as Promise<T>,
    stream: (path, query) => streamed(url, path + queryText(query), { headers: { authorization } }),
    async list<T>(path: string, query: Query, itemsMax: number, expected: readonly string[] = []) {
      const items: T[] = []
      let cursor: string | null = null
      do {
        const limit = Math.min(PAGE_ITEMS_MAX, itemsMax - items.length)
        const page: Page<T> = await get(path, { ...query, limit, cursor: cursor ?? undefined }, expected)
        items.push(...page.items)
        cursor = page.next_cursor
      } while (cursor !== null && items.length < itemsMax)
      return { items, more: cursor !== null }
    },
  }
}

const PAGE_ITEMS_MAX = 500

function queryText(query: Query): string {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) parameters.set(name, String(value))
  }
  return parameters.size === 0 ? '' : `?${parameters}`
}

async function request(
  url: string,
  path: string,
  init: RequestInit,
  expected: readonly string[],
): Promise<unknown> {
  const { status, text } = await exchange(url, path, init)
  const body = parsed(text)
  return status >= 200 && status < 300 && body !== undefined
    ? body
    : refuse(url, path, { status, body }, expected)
}

/** What an answer that is none means to the user. */
function refuse(
  url: string,
  path: string,
  { status, body }: { readonly status: number; readonly body: unknown },
  expected: readonly string[],
): never {
  const problem = asProblem(body)
  if (problem === undefined) {
    throw new UnableError(
      `${url} answers ${path} with ${status} and no Syncproof document.`,
      'SYNCPROOF_URL must be the address of a collector.',
    )
  }
  const message = problem.detail ?? problem.title
  if (expected.includes(problem.code)) throw new ApiProblem(problem.code, message)
  const told = `${url} says ${problem.code}: ${message}`
  if (status === 401 || status === 403) {
    throw new UsageError(told, 'SYNCPROOF_API_KEY must be a key of this Syncproof that may do this.')
  }
  throw status < 500 && status !== 429 ? new UsageError(told) : new UnableError(told)
}

/** An export may take long; what may not is that nothing comes. */
async function* streamed(url: string, path: string, init: RequestInit): AsyncGenerator<Uint8Array> {
  const silence = new AbortController()
  const timer = setTimeout(() => silence.abort(new Error('nothing comes any more')), REQUEST_MS_MAX)
  try {
    const reply = await fetch(url + path, { ...init, redirect: 'error', signal: silence.signal })
    if (reply.status !== 200)
      refuse(url, path, { status: reply.status, body: parsed(await reply.text()) }, [])
    for await (const chunk of reply.body ?? []) {
      yield chunk
      timer.refresh()
    }
  } catch (error) {
    throw error instanceof UsageError || error instanceof UnableError ? error : noAnswer(url, error)
  } finally {
    clearTimeout(timer)
  }
}

async function exchange(
  url: string,
  path: string,
  init: RequestInit,
): Promise<{ status: number; text: string }> {
  try {
    const reply = await fetch(url + path, {
      ...init,
      redirect: 'error',
      signal: AbortSignal.timeout(REQUEST_MS_MAX),
    })
    return { status: reply.status, text: await reply.text() }
  } catch (error) {
    throw noAnswer(url, error)
  }
}

function noAnswer(url: string, error: unknown): UnableError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  const reason = code || (cause instanceof Error ? cause.message : String(cause))
  return new UnableError(
    `No answer from ${url}: ${reason}.`,
    'Start it with `syncproof dev`, or set SYNCPROOF_URL to where it is.',
    { cause: error },
  )
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function asProblem(body: unknown): { code: string; title: string; detail?: string } | undefined {
  if (typeof body !== 'object' || body === null || !('code' in body) || !('title' in body)) return undefined
  const { code, title } = body
  if (typeof code !== 'string' || typeof title !== 'string') return undefined
  return 'detail' in body && typeof body.detail === 'string'
    ? { code, title, detail: body.detail }
    : { code, title }
}
