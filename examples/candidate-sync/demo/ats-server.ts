import type { AddressInfo } from 'node:net'
import jsonServer from 'json-server'

// The ATS: json-server as it comes from npm, in a process of its own, its records in memory.
// Its parent sends the records and where to listen, and gets the address back; when the parent is gone, so is this process (tether.ts).

process.channel?.ref()
interface Start {
  readonly data: Record<string, unknown>
  readonly host: string
  readonly port: number
}

process.once('message', ({ data, host, port: wanted }: Start) => {
  const app = jsonServer.create()
  app.use(jsonServer.defaults({ logger: false }))
  app.use(jsonServer.bodyParser)
  app.use(jsonServer.router(data))
  const server = app.listen(wanted, host, () => {
    const { port } = server.address() as AddressInfo
    process.send?.({ url: `http://127.0.0.1:${port}` })
  })
})
