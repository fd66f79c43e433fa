import { Redis } from 'ioredis'
import { QueueUnavailableError } from './transport.ts'

const ANSWER_MS_MAX = 5_000

/** What a Redis says of itself. A member is absent where it does not say it. */
export interface RedisFacts {
  readonly version?: string | undefined
  /** What it does when its memory is full; a queue needs `noeviction`. */
  readonly maxmemoryPolicy?: string | undefined
  /** Whether each command is written to a file before long (`appendonly`). */
  readonly isAppendOnly?: boolean | undefined
  /** `ok`, or `err`: then it takes no commands any more. */
  readonly lastAppend?: string | undefined
  /** Of the last snapshot: `ok`, or `err`. */
  readonly lastSnapshot?: string | undefined
}

/** Asks a Redis what matters to a queue; changes nothing.
 *  @returns its facts, or why it does not tell them: the login may not ask
 *  @throws QueueUnavailableError where it does not answer within 5 s, or refuses the login */
export async function checkRedis(url: string): Promise<RedisFacts | { readonly refused: string }> {
  const redis = new Redis(url, {
    lazyConnect: true,
    retryStrategy: () => null,
    connectTimeout: ANSWER_MS_MAX,
    commandTimeout: ANSWER_MS_MAX,
    // it asks INFO, too, and writes to the console where it may not
    enableReadyCheck: false,
  })
  let reason = ''
  redis.on('error', (error) => {
    reason = error.message
  })
  try {
    await redis.connect()
    // all of it is in INFO; CONFIG is taken away by who runs Redis for others
    return factsIn(await redis.info())
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause)
    if (MAY_NOT.test(text)) return { refused: text }
    throw new QueueUnavailableError(`Redis cannot be reached: ${reason || text}`, { cause })
  } finally {
    redis.disconnect()
  }
}

/** Taken away by an ACL, or renamed. */
const MAY_NOT = /^(NOPERM|ERR unknown command)/

function factsIn(info: string): RedisFacts {
  const member = (name: string) => new RegExp(`^${name}:(.*?)\r?$`, 'm').exec(info)?.[1]
  const enabled = member('aof_enabled')
  return {
    version: member('redis_version'),
    maxmemoryPolicy: member('maxmemory_policy'),
    isAppendOnly: enabled === undefined ? undefined : enabled === '1',
    lastAppend: member('aof_last_write_status'),
    lastSnapshot: member('rdb_last_bgsave_status'),
  }
}
