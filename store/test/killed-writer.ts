import { migrateStore, openStore } from '../src/index.ts'
import { openPglite } from '../src/pglite/index.ts'
import { newProcess, operation } from './make-events.ts'

/** A program of its own: appends to the PGlite in the directory that it is given until it is killed, and prints the
 *  ids of each batch when it is acknowledged. */
const [, , dir = ''] = process.argv
const pool = await openPglite({ dir })
await migrateStore({ pool })
const store = openStore({ pool })
const writers = Array.from({ length: 4 }, async () => {
  const reporter = newProcess()
  for (let firstSeq = 0; ; firstSeq += 4) {
    const events = operation({ firstSeq })
    await store.events.append('default', reporter, events)
    process.stdout.write(`${events.map((event) => event.id).join(' ')}\n`)
  }
})
await Promise.all(writers)
