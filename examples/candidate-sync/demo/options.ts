import { parseArgs } from 'node:util'

export interface DemoOptions {
  /** End when the table is printed. */
  readonly once: boolean
  /** A PostgreSQL server on which two databases are made, and everything runs as separate processes. */
  readonly database: string | undefined
  readonly redis: string | undefined
  readonly seed: string
  readonly requests: number
  readonly port: number
  readonly metricsPort: number
}

export class DemoUsageError extends Error {
  override name = 'DemoUsageError'
}

export const USAGE = `npm start -- [options]

  --once               end by itself when the table is printed
  --requests N         how many changes the clients send (800)
  --seed TEXT          repeats the same traffic and the same faults
  --database URL       a real PostgreSQL, and each part a process of its own;
                       two databases are made beside it and dropped again
  --redis URL          a Redis for the jobs of the reconciler
  --port N             report API (4319; any free one with --once)
  --metrics-port N     metrics (4320; any free one with --once)
`

const REQUESTS_DEFAULT = 800
const REQUESTS_MAX = 100_000

/** @throws DemoUsageError for an option that is not there or has no such value */
export function readOptions(words: readonly string[], freshSeed: () => string): DemoOptions | 'help' {
  const given = parse(words)
  if (given.help) return 'help'
  const once = given.once ?? false
  return {
    once,
    database: url('--database', given.database, ['postgres:', 'postgresql:']),
    redis: url('--redis', given.redis, ['redis:', 'rediss:']),
    seed: given.seed ?? freshSeed(),
    requests: whole('--requests', given.requests, 1, REQUESTS_MAX) ?? REQUESTS_DEFAULT,
    port: whole('--port', given.port, 0, 65_535) ?? (once ? 0 : 4319),
    metricsPort: whole('--metrics-port', given['metrics-port'], 0, 65_535) ?? (once ? 0 : 4320),
  }
}

function parse(words: readonly string[]) {
  const text = { type: 'string' } as const
  try {
    return parseArgs({
      args: [...words],
      options: {
        once: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
        database: text,
        redis: text,
        seed: text,
        requests: text,
        port: text,
        'metrics-port': text,
      },
    }).values
  } catch (error) {
    throw new DemoUsageError(error instanceof Error ? error.message : String(error))
  }
}

function whole(name: string, value: string | undefined, min: number, max: number): number | undefined {
  if (value === undefined) return undefined
  const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN
  if (number >= min && number <= max) return number
  throw new DemoUsageError(`${name} must be a whole number from ${min} to ${max}, not "${value}".`)
}

function url(name: string, value: string | undefined, schemes: readonly string[]): string | undefined {
  if (value === undefined || (URL.canParse(value) && schemes.includes(new URL(value).protocol))) return value
  throw new DemoUsageError(`${name} must be a URL such as ${schemes[0]}//localhost.`)
}
