import { withoutPassword } from '../../settings.ts'

const ANSWER_MS_MAX = 10_000

/** An answer of a collector, or of whatever is at its address. */
export interface Answer {
  readonly status: number
  /** What the body says, where it is JSON. */
  readonly body: Readonly<Record<string, unknown>> | undefined
  /** When the answer was made, by the clock that made it: a whole second. */
  readonly date: string | null
  /** By the clock of this machine. */
  readonly beforeMs: number
  readonly afterMs: number
}

/** Asks a collector. Follows no redirect.
 *  @returns why, where nothing came within 10 s */
export async function askCollector(
  url: string,
  path: string,
  init: RequestInit = {},
): Promise<Answer | string> {
  const beforeMs = Date.now()
  try {
    const reply = await fetch(url + path, {
      ...init,
      redirect: 'manual',
      signal: AbortSignal.timeout(ANSWER_MS_MAX),
    })
    const afterMs = Date.now()
    const body = asObject(await reply.text())
    return { status: reply.status, body, date: reply.headers.get('date'), beforeMs, afterMs }
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
    // a URL with a password is refused, and named
    return code || withoutPassword(cause instanceof Error ? cause.message : String(cause))
  }
}

function asObject(text: string): Answer['body'] {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    return undefined
  }
}

/** `503 unavailable: The database …`, in its own words. */
export function saidBy({ status, body }: Answer): string {
  const { code, detail, title } = body ?? {}
  if (typeof code !== 'string') return `${status} and no Syncproof document`
  return `${status} ${code}: ${detail ?? title}`.replace(/\.$/, '')
}
