import type { Expiry } from '@syncproof/store'
import type { Context } from '../context.ts'
import { limits } from '../limits.ts'

/** Makes the partitions of the next days, and removes what is past its time. When that was done last is known by the store,
 *  so any number of reconcilers do it once. */
export interface Expirer {
  isDue(): Promise<boolean>
  /** Stops between two of its small transactions where the signal is aborted; the next one goes on. */
  run(signal: AbortSignal): Promise<void>
}

export function expirer({ store, log, failures }: Context): Expirer {
  /** Of this process: what fails is not tried again at every sweep. */
  let notBeforeMs = 0
  return {
    isDue: async () => Date.now() >= notBeforeMs && (await store.retention.due(limits.expireEveryMs)),
    async run(signal) {
      notBeforeMs = Date.now() + limits.expireRetryMs
      await store.retention.prepare()
      const expiry = await store.retention.expire({ signal })
      const said = textOf(expiry)
      if (said !== '') log(`expired: ${said}`)
      for (const why of expiry.kept) failures.say(`not expired yet: ${why}`)
    },
  }
}

function textOf({ expired }: Expiry): string {
  return Object.entries(expired)
    .map(([subject, rows]) => `${subject} ${rows}`)
    .join(', ')
}
