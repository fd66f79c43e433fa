import { type AddressInfo, connect, createServer } from 'node:net'

/** Hands on every byte to a server, and counts those that come back. */
export async function countingProxy(url: string): Promise<{
  readonly url: string
  sent(): number
  close(): Promise<void>
}> {
  const target = new URL(url)
  let sent = 0
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname)
    upstream.on('data', (chunk) => {
      sent += chunk.length
    })
    client.pipe(upstream).pipe(client)
    client.on('error', () => upstream.destroy())
    upstream.on('error', () => client.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const through = new URL(url)
  through.port = String((server.address() as AddressInfo).port)
  return {
    url: through.href,
    sent: () => sent,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}
