import { postgres } from '@syncproof/connectors'
import { compareSides } from '@syncproof/core/comparison'

/** Compares once, and says how many MB of memory that took, at its most. */
const [, , url = ''] = process.argv
const idle = process.memoryUsage.rss()
let most = idle
const watching = setInterval(() => {
  most = Math.max(most, process.memoryUsage.rss())
}, 50)
const source = postgres({ url, table: 'records', key: 'id' }).open()
const target = postgres({ url, table: 'copies', key: 'id' }).open()
const byType = await source.fieldRules?.()
for await (const _ of compareSides(source, target, { byType }, undefined, new AbortController().signal)
  .suspects);
await source.close()
await target.close()
clearInterval(watching)
process.stdout.write(`${Math.round((most - idle) / 1e6)}\n`)
