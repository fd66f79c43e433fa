import type { AddressInfo } from 'node:net'
import { connect, createServer, type Socket } from 'node:net'
import { createApp } from '../testing/sample-app.ts'
import { type Account, accountOf, assertKept } from './account.ts'
import { openStage } from './stage.ts'
import { post } from './traffic.ts'

const SENDERS = 8
const OPERATIONS_PER_BATCH = 20
const TIMES_SENT = 3

/** Sends so many batches three times each; the first two replies are cut off when their first byte is there, so that the batch
 *  was stored and nobody knows. */
export async function cutReplies(batches: number): Promise<Account> {
  await using opened = new AsyncDisposableStack()
  const { url, key, database } = await openStage(opened)
  const wire = await startCuttingWire(new URL(url).port)
  opened.defer(() => wire.close())
  const acknowledged: { processId: string; ids: readonly string[] }[] = []
  const answers: string[] = []
  await Promise.all(
    Array.from({ length: SENDERS }, async (_, number) => {
      const app = createApp(number)
      for (let count = 0; count < batches / SENDERS; count += 1) {
        const { body, process, sent } = app.batch(OPERATIONS_PER_BATCH)
        for (let time = 1; time < TIMES_SENT; time += 1) {
          const { status } = await post(wire.url, key, body)
          if (status !== 0) throw new Error(`a reply that was cut arrived: ${status}`)
        }
        const { status, text } = await post(url, key, body)
        if (status !== 202) throw new Error(`the last reply is ${status}: ${text}`)
        answers.push(text)
        acknowledged.push({ processId: process.id, ids: sent.map(({ id }) => id) })
      }
    }),
  )
  // two of three were duplicates, and the sender is told so
  const accepted = answers.reduce((sum, text) => sum + (JSON.parse(text) as { accepted: number }).accepted, 0)
  if (accepted > 0) throw new Error(`BROKEN: ${accepted} events were accepted anew at the third time`)
  const account = await accountOf(database, { acknowledged })
  assertKept(account)
  if (account.stored !== account.acknowledged) throw new Error(`BROKEN: ${JSON.stringify(account)}`)
  return account
}

/** Brings requests there, and cuts the connection when the reply begins. */
async function startCuttingWire(port: string): Promise<{ readonly url: string; close(): void }> {
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect(Number(port), '127.0.0.1')
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => undefined).on('close', () => sockets.delete(socket))
    }
    client.pipe(upstream)
    upstream.once('data', () => {
      client.destroy()
      upstream.destroy()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
