/** A client of node-postgres, as far as it tells whether a transaction is open. */
export interface StatusClient {
  /** `I` outside a transaction. Older versions of node-postgres do not have it. */
  getTransactionStatus?(): string | null
  /** What reads the server's messages. */
  readonly connection?: unknown
}

interface MessageSource {
  on(event: 'readyForQuery', listener: (message: { readonly status?: unknown }) => void): unknown
}

const lastSeen = new WeakMap<object, string>()
const watched = new WeakSet<object>()

/** Listens to what the server says of the transaction after each statement, where the driver does not tell by itself. To be
 *  called when a client is first met: a transaction that began before on it is seen at the end of its next statement. */
export function watchStatus(client: StatusClient): void {
  if (client.getTransactionStatus || watched.has(client)) return
  watched.add(client)
  const { connection } = client
  if (!isSource(connection)) return
  connection.on('readyForQuery', ({ status }) => {
    if (typeof status === 'string') lastSeen.set(client, status)
  })
}

/** As the server last said it: `I` outside a transaction. Undefined where nothing was heard. */
export function statusOf(client: StatusClient): string | undefined {
  return client.getTransactionStatus?.() ?? lastSeen.get(client)
}

/** Whether a statement sent now is a transaction of its own. Of a driver that says nothing it is taken for one. */
export function isIdle(client: StatusClient): boolean {
  return (statusOf(client) ?? 'I') === 'I'
}

function isSource(connection: unknown): connection is MessageSource {
  return typeof connection === 'object' && connection !== null && 'on' in connection
}
