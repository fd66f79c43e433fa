import { connect } from 'node:net'

const REACH_MS_MAX = 5_000

/** Something that was named on the command line cannot be used. The message names it, without a password, and says
 *  what to do. */
export class DemoUnableError extends Error {
  override name = 'DemoUnableError'
}

/** Does something with a server of PostgreSQL.
 *  @throws DemoUnableError for whatever fails: no answer, no such user, no right */
export async function askDatabase<T>(url: string, question: () => Promise<T>): Promise<T> {
  try {
    return await question()
  } catch (error) {
    throw new DemoUnableError(
      `PostgreSQL at ${withoutPassword(url)} cannot be used: ${reason(error)}.\n` +
        'Start it, or name another with --database, as a user who may create databases. ' +
        'Without --database the demo brings its own.',
      { cause: error },
    )
  }
}

/** @throws DemoUnableError where nothing listens there */
export async function reachRedis(url: string): Promise<void> {
  const { hostname, port } = new URL(url)
  const socket = connect({
    host: hostname.replace(/^\[|\]$/g, '') || '127.0.0.1',
    port: Number(port || 6379),
  })
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
      socket.setTimeout(REACH_MS_MAX, () => reject(new Error(`no answer within ${REACH_MS_MAX / 1_000} s`)))
    })
  } catch (error) {
    throw new DemoUnableError(
      `Redis at ${withoutPassword(url)} does not answer: ${reason(error)}.\n` +
        'Start it, or name another with --redis. Without --redis the jobs go through the database.',
      { cause: error },
    )
  } finally {
    socket.destroy()
  }
}

/** The URL as it may be shown. */
export function withoutPassword(text: string): string {
  const url = new URL(text)
  if (url.password !== '') url.password = '***'
  if (url.searchParams.has('password')) url.searchParams.set('password', '***')
  return url.href
}

/** Of several attempts at once (IPv6 and IPv4), the first. */
function reason(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return reason(error.errors[0])
  return error instanceof Error ? error.message.replace(/\.$/, '') : String(error)
}
