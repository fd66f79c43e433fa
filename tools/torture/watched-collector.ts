import { createServer } from 'node:http'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { startCollector } from '@syncproof/collector'
import { openStore } from '@syncproof/store'
import { Registry } from 'prom-client'

/** The collector in a process that says how long its event loop was held up: `GET /` of the second port answers
 *  milliseconds, `{ p99, max }`. */
const [, , database = '', port = '0', watchPort = '0'] = process.argv
const store = openStore({ url: database })
const quota = { requestsPerSecond: 1_000_000, bytesPerSecond: 1e12 }
const collector = await startCollector({ store, metrics: new Registry(), port: Number(port), quota })
const RESOLUTION_MS = 1
const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
delays.enable()
const watch = createServer((_request, response) => {
  // what is measured holds the timer's own interval
  const ms = (nanoseconds: number) => nanoseconds / 1e6 - RESOLUTION_MS
  response.end(JSON.stringify({ p99: ms(delays.percentile(99)), max: ms(delays.max) }))
})
watch.listen(Number(watchPort), '127.0.0.1')
process.stderr.write('Collector: watched\n')
process.once('SIGTERM', async () => {
  watch.close()
  watch.closeAllConnections()
  await collector.close()
  await store.close()
})
