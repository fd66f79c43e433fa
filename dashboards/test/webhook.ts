import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** One alert as Alertmanager tells it (webhook version 4). */
export interface ToldAlert {
  readonly status: 'firing' | 'resolved'
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

/** Takes what Alertmanager says, by receiver. */
export async function startWebhook(): Promise<{
  readonly url: string
  readonly told: readonly (ToldAlert & { readonly receiver: string })[]
  close(): Promise<void>
}> {
  const told: (ToldAlert & { readonly receiver: string })[] = []
  const server = createServer(async (request, reply) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const { alerts } = JSON.parse(body) as { readonly alerts: readonly ToldAlert[] }
    for (const alert of alerts) told.push({ ...alert, receiver: request.url?.slice(1) ?? '' })
    reply.end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    told,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
