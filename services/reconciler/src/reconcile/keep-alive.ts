import { type Context, messageOf, pause } from '../context.ts'
import { limits } from '../limits.ts'

/** Why work stopped without an end; another worker goes on with it. */
export class GivenBackError extends Error {
  override readonly name = 'GivenBackError'
}

/** Runs work that is claimed by a fence, and says every second that it is done. It is stopped where a newer worker has it,
 *  or where this one could not say for too long that it lives.
 *  @param say returns false where the fence is no longer the newest
 *  @throws what `work` throws; GivenBackError, or the reason of `closing`, where it was stopped */
export async function whileAlive<T>(
  context: Context,
  what: string,
  say: () => Promise<boolean>,
  closing: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const stop = new AbortController()
  const heartbeat = beat(context, what, say, stop)
  const signal = AbortSignal.any([closing, stop.signal])
  try {
    const done = await work(signal)
    signal.throwIfAborted()
    return done
  } catch (error) {
    signal.throwIfAborted()
    throw error
  } finally {
    stop.abort(new GivenBackError('it has ended here'))
    await heartbeat
  }
}

async function beat(
  context: Context,
  what: string,
  say: () => Promise<boolean>,
  stop: AbortController,
): Promise<void> {
  let heardMs = Date.now()
  for (;;) {
    await pause(limits.heartbeatMs, stop.signal)
    if (stop.signal.aborted) return
    try {
      if (!(await say())) return stop.abort(new GivenBackError('another worker has it'))
      heardMs = Date.now()
    } catch (error) {
      context.log(`${what}: a heartbeat failed: ${messageOf(error)}`)
      if (Date.now() - heardMs > limits.abandonedMs) {
        return stop.abort(new GivenBackError('the store could not be reached for too long'))
      }
    }
  }
}
