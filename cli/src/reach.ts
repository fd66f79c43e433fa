import { connect } from 'node:net'
import { StoreNotMigratedError, StoreUnavailableError } from '@syncproof/store'
import { UnableError } from './command.ts'
import { withoutPassword } from './settings.ts'

/** How long a service waits for Redis when it starts. */
const REACH_MS_MAX = 5_000

/** Rejects with UnableError where nothing listens at a Redis URL: its client would wait for ever. */
export async function reachRedis(url: string): Promise<void> {
  const { hostname, port } = new URL(url)
  try {
    await reachPort(hostname.replace(/^\[|\]$/g, '') || '127.0.0.1', Number(port || 6379))
  } catch (error) {
    throw new UnableError(
      `Redis at ${withoutPassword(url)} does not answer: ${reason(error)}.`,
      'Start it, name another with --redis, or leave --redis out: the jobs then go through the database.',
      { cause: error },
    )
  }
}

/** Does something with a database when a service starts.
 *  Rejects with UnableError, naming the database and the mend, where it does not answer (the store waits at most 5 s
 *  for a connection) or is not migrated. */
export async function askDatabase<T>(url: string, question: () => Promise<T>): Promise<T> {
  try {
    return await question()
  } catch (error) {
    throw databaseProblem(url, error)
  }
}

/** What a database that failed means to the user; other errors as they are. */
function databaseProblem(url: string, error: unknown): unknown {
  if (error instanceof StoreNotMigratedError) {
    return new UnableError(
      `The database ${withoutPassword(url)} has an older schema than this release.`,
      'Run `syncproof migrate` with the same --database, then start again.',
      { cause: error },
    )
  }
  const code = codes(error).find((one) => one in DATABASE_PROBLEMS)
  const problem = code === undefined ? undefined : DATABASE_PROBLEMS[code]
  if (problem === undefined) return error
  const [what, mend] = problem
  return new UnableError(`The database ${withoutPassword(url)} ${what}: ${reason(error)}.`, mend, {
    cause: error,
  })
}

const START = 'Start it, or name another with --database.'
const WAIT = 'It may be starting or overloaded: try again, or name another with --database.'
const LOGIN = 'Mend user and password in --database.'
const DATABASE_PROBLEMS: Readonly<Record<string, readonly [what: string, mend: string]>> = {
  ECONNREFUSED: ['does not answer', START],
  ECONNRESET: ['does not answer', START],
  EHOSTUNREACH: ['cannot be reached', START],
  ENETUNREACH: ['cannot be reached', START],
  ENOENT: ['does not answer', START],
  ENOTFOUND: ['cannot be found', 'Mend the host name in --database.'],
  EAI_AGAIN: ['cannot be found', 'Mend the host name in --database.'],
  ETIMEDOUT: ['does not answer', WAIT],
  '28000': ['refuses the login', LOGIN],
  '28P01': ['refuses the login', LOGIN],
  '3D000': ['does not exist', 'Create it (`createdb`), or name another with --database.'],
  '42501': [
    'refuses a right that is needed',
    'Use another user in --database, or grant it: `syncproof migrate --roles` grants what each service needs.',
  ],
  '53300': ['takes no more connections', WAIT],
  '57P03': ['is not ready', WAIT],
  STORE_UNAVAILABLE: ['does not answer', START],
}

/** What a port that cannot be opened means to the user; other errors as they are. */
export function listenProblem(
  error: unknown,
  what: string,
  host: string,
  port: number,
  option: string,
): unknown {
  const [code] = codes(error)
  const place = `port ${port} of ${host}`
  if (code === 'EADDRINUSE') {
    return new UnableError(
      `The ${what} cannot listen: ${place} is in use by another program.`,
      `Another Syncproof may be running. Take another port with ${option}; 0 takes a free one.`,
      { cause: error },
    )
  }
  if (code === 'EACCES' || code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
    return new UnableError(`The ${what} cannot listen on ${place}: ${reason(error)}.`, `Mend ${option}.`, {
      cause: error,
    })
  }
  return error
}

function reachPort(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, timeout: REACH_MS_MAX })
    const settle = (error?: Error) => {
      socket.destroy()
      if (error === undefined) resolve()
      else reject(error)
    }
    socket.once('connect', () => settle())
    socket.once('timeout', () => settle(tooLate(REACH_MS_MAX)))
    socket.once('error', settle)
  })
}

function tooLate(ms: number): Error {
  return Object.assign(new Error(`no answer within ${ms / 1000} s`), { code: 'ETIMEDOUT' })
}

/** The codes of an error and of what caused it; of several attempts at once (IPv6 and IPv4) too. */
function codes(error: unknown): string[] {
  if (!(error instanceof Error)) return []
  const own = 'code' in error && typeof error.code === 'string' ? [error.code] : []
  const attempts = error instanceof AggregateError ? error.errors.flatMap(codes) : []
  const named = error instanceof StoreUnavailableError ? ['STORE_UNAVAILABLE'] : []
  return [...own, ...attempts, ...codes(error.cause), ...named]
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const [attempt] = error instanceof AggregateError ? error.errors : []
  const deepest = error.cause ?? attempt
  return deepest === undefined ? error.message.replace(/\.$/, '') : reason(deepest)
}
