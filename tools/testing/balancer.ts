import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A balancer of connections, which knows nothing of what goes over them. */
export interface Balancer {
  readonly url: string
  /** Connections that each backend has taken, by port. */
  readonly taken: ReadonlyMap<number, number>
  close(): Promise<void>
}

/** Gives each connection to the next of these ports of the loopback that takes one, in turn. Where none does, it is cut. */
export async function startBalancer(ports: readonly number[]): Promise<Balancer> {
  const taken = new Map(ports.map((port) => [port, 0]))
  const open = new Set<Socket>()
  let turn = 0
  const server = createServer((client) => {
    open.add(client)
    client.on('error', () => {})
    client.once('close', () => open.delete(client))
    client.pause()
    const first = turn++
    give(client, first, ports.length)
  })

  function give(client: Socket, place: number, triesLeft: number): void {
    const port = ports[place % ports.length]
    if (port === undefined || triesLeft === 0) return void client.destroy()
    const backend = connect(port, '127.0.0.1')
    let isTaken = false
    backend.once('connect', () => {
      isTaken = true
      taken.set(port, (taken.get(port) ?? 0) + 1)
      client.pipe(backend).pipe(client)
      client.once('close', () => backend.destroy())
    })
    backend.on('error', () => {
      if (!isTaken) give(client, place + 1, triesLeft - 1)
    })
    backend.once('close', () => {
      if (isTaken) client.destroySoon()
    })
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    taken,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const client of open) client.destroy()
      }),
  }
}
