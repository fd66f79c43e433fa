import { setTimeout as sleep } from 'node:timers/promises'

const POLL_MS = 250

/** Asks again and again until there is an answer.
 *  @param what ends the sentence "timed out waiting for …"
 *  @throws Error after `timeoutMs`, or what the question throws */
export async function waitFor<T>(
  what: string,
  timeoutMs: number,
  ask: () => Promise<T | undefined>,
): Promise<T> {
  const deadlineMs = performance.now() + timeoutMs
  while (true) {
    const answer = await ask()
    if (answer !== undefined) return answer
    if (performance.now() > deadlineMs)
      throw new Error(`timed out after ${timeoutMs / 1_000} s waiting for ${what}`)
    await sleep(POLL_MS)
  }
}
