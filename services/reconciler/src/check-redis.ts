import { Redis } from 'ioredis'
import { QueueUnavailableError } from './transport.ts'

const ANSWER_MS_MAX = 5_000

export interface RedisFacts {
  readonly version: string
  /** What it does when its memory is full; a queue needs `noeviction`. */
  readonly maxmemoryPolicy: string
}

/** Asks a Redis what matters to a queue; changes nothing.
 *  @throws QueueUnavailableError where it does not answer within 5 s */
export async function checkRedis(url: string): Promise<RedisFacts> {
  const redis = new Redis(url, {
    lazyConnect: true,
    retryStrategy: () => null,
    connectTimeout: ANSWER_MS_MAX,
    commandTimeout: ANSWER_MS_MAX,
  })
  let reason = ''
  redis.on('error', (error) => {
    reason = error.message
  })
  try {
    await redis.connect()
    // INFO, because CONFIG is taken away by who runs Redis for others
    const info = await redis.info()
    const member = (name: string) => new RegExp(`^${name}:(.*?)\r?$`, 'm').exec(info)?.[1] ?? 'unknown'
    return { version: member('redis_version'), maxmemoryPolicy: member('maxmemory_policy') }
  } catch (cause) {
    const text = reason || (cause instanceof Error ? cause.message : String(cause))
    throw new QueueUnavailableError(`Redis cannot be reached: ${text}`, { cause })
  } finally {
    redis.disconnect()
  }
}
