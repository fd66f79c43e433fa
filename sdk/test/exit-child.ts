import { writeSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { createSyncproof } from '../src/index.ts'

/** A program that calls a wrapped function all the time, until it ends in the way that its first argument names.
 *  Writes a dot, at once, after each call. */
const DELIVERY_MS_MAX = 60_000

const [way = '', service = '', url = '', spoolDir = ''] = process.argv.slice(2)

const syncproof = createSyncproof({
  service,
  url,
  fingerprintKey: 'k',
  flushIntervalMs: 20,
  // how long a busy machine's collector takes is not what is tested
  flushTimeoutMs: DELIVERY_MS_MAX,
  exitTimeoutMs: DELIVERY_MS_MAX,
  spoolDir: spoolDir || undefined,
})
const call = syncproof.wrap(async (id: string) => id, {
  entity: (id) => ({ type: 'thing', id }),
  name: 'call',
})

// the spool is opened a moment after the start, and this waits for it
await syncproof.flush()

let going = true
const running = work()

if (way === 'handled SIGTERM') {
  process.once('SIGTERM', async () => {
    going = false
    await running
    await syncproof.shutdown()
    process.exit(0)
  })
}

async function work(): Promise<void> {
  for (let n = 0; going; n += 1) {
    for (let m = 0; m < 5; m += 1) {
      await call(`${n}.${m}`)
      writeSync(1, '.')
    }
    await delay(2)
    if (n === 20) end()
  }
}

function end(): void {
  if (way === 'end of script' || way === 'frozen and thawed') going = false
  if (way === 'process.exit') process.exit(3)
  if (way === 'uncaught error') throw new Error('on purpose')
}
