import { startCollector } from '@syncproof/collector'
import { openStore } from '@syncproof/store'
import { Registry } from 'prom-client'

/** The collector of another release, as far as the contract goes: this one, which accepts the versions that are named. It ends as
 *  the real one does. */
const [, , database = '', port = '0', contracts = ''] = process.argv
const store = openStore({ url: database })
await store.ready()
const collector = await startCollector({
  store,
  metrics: new Registry(),
  port: Number(port),
  contracts: contracts.split(',').map(Number),
})
process.stderr.write(`Collector: API ${collector.url}, contracts ${contracts}\n`)
process.once('SIGTERM', async () => {
  await collector.close()
  await store.close()
})
