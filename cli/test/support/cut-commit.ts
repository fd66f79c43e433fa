import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** `before`: the server never gets the COMMIT, and sees the connection end. `after`: it gets it, and its answer is lost.
 *  `held`: it never gets it, and the connection to it stays open until `release`. */
export type Cut = 'before' | 'after' | 'held'

/** A way to a PostgreSQL that can be cut where a COMMIT goes by. */
export interface CuttingProxy {
  readonly url: string
  /** Cuts the connection of the next COMMIT. */
  cutNext(cut: Cut): void
  /** Ends what is held. */
  release(): void
  close(): Promise<void>
}

/** @param url of the server, without TLS: the statements are looked for in the bytes */
export async function cuttingProxy(url: string): Promise<CuttingProxy> {
  const target = new URL(url)
  let next: Cut | undefined
  const held: Socket[] = []
  const open = new Set<Socket>()
  const proxy = createServer((client) => {
    const server = connect(Number(target.port), target.hostname)
    for (const socket of [client, server]) {
      open.add(socket)
      socket.on('error', () => socket.destroy())
      socket.on('close', () => open.delete(socket))
    }
    let isCut = false
    client.on('data', (bytes) => {
      if (next === undefined || !bytes.includes('COMMIT')) {
        server.write(bytes)
        return
      }
      const cut = next
      next = undefined
      isCut = true
      if (cut === 'after') server.write(bytes)
      // its answer comes after the commit, and goes nowhere
      if (cut === 'after') server.once('data', () => server.end())
      if (cut === 'before') server.end()
      if (cut === 'held') held.push(server)
      client.destroy()
    })
    server.on('data', (bytes) => {
      if (!isCut) client.write(bytes)
    })
    client.on('end', () => {
      if (!isCut) server.end()
    })
    server.on('end', () => client.end())
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  const through = new URL(url)
  through.port = String((proxy.address() as AddressInfo).port)
  through.hostname = '127.0.0.1'
  return {
    url: through.href,
    cutNext(cut) {
      next = cut
    },
    release() {
      for (const server of held.splice(0)) server.destroy()
    },
    async close() {
      for (const socket of open) socket.destroy()
      proxy.close()
      await once(proxy, 'close')
    },
  }
}
