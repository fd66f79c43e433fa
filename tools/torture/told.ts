import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A webhook that notes what it is told, whatever it answers. */
export interface Hook {
  readonly url: string
  /** Messages by id, in the order in which each first arrived. */
  readonly told: Map<string, ToldMessage>
  /** Messages that arrived again. */
  repeated: number
  answer: (response: ServerResponse) => void
  down(): Promise<void>
  up(): Promise<void>
}

export interface ToldMessage {
  readonly group: string
  readonly state: string
}

export async function startHook(): Promise<Hook> {
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const { dedup_key, state } = JSON.parse(body).data
    const id = String(request.headers['webhook-id'])
    if (hook.told.has(id)) hook.repeated += 1
    else hook.told.set(id, { group: dedup_key.split('/').at(-1), state })
    hook.answer(response)
  })
  const listen = (port: number) => new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  await listen(0)
  const { port } = server.address() as AddressInfo
  const hook: Hook = {
    url: `http://127.0.0.1:${port}`,
    told: new Map(),
    repeated: 0,
    answer: (response) => response.end(),
    async down() {
      if (!server.listening) return
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
    up: () => listen(port),
  }
  return hook
}

/** Says what it was told at once, later, with an error, or not at all. */
export function answerBadly(response: ServerResponse): void {
  const luck = Math.random()
  if (luck < 0.5) response.end()
  else if (luck < 0.7) setTimeout(() => response.end(), 300)
  else if (luck < 0.85) response.writeHead(503).end()
  else response.destroy()
}
