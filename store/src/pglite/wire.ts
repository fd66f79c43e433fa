/** What a PGlite session has to understand of the PostgreSQL wire protocol, version 3: where a message ends, where a
 *  client waits for an answer, whether a transaction is open, and who is notified. */

/** Type byte and length come first; the length counts itself, not the type. */
const HEADER_BYTES = 5

/** `I` no transaction is open, `T` one is, `E` one is and has failed. */
export type TransactionStatus = 'I' | 'T' | 'E'

export interface Framed {
  readonly messages: readonly Buffer[]
  /** The beginning of a message whose end has not come yet. */
  readonly rest: Buffer
}

export function frame(bytes: Buffer): Framed {
  const messages: Buffer[] = []
  let offset = 0
  while (bytes.length - offset >= HEADER_BYTES) {
    const end = offset + 1 + bytes.readUInt32BE(offset + 1)
    if (end > bytes.length) break
    messages.push(bytes.subarray(offset, end))
    offset = end
  }
  return { messages, rest: bytes.subarray(offset) }
}

export function messageType(message: Buffer): string {
  return String.fromCharCode(message[0] ?? 0)
}

/** Query, Sync or Flush: the client waits for the answer to it and to all before it. */
export function endsRequest(message: Buffer): boolean {
  return ['Q', 'S', 'H'].includes(messageType(message))
}

export interface Subscription {
  readonly channel: string
  readonly listen: boolean
}

const SUBSCRIPTION = /^(?:\s|--[^\n]*\n)*(un)?listen\s+(?:"([^"]+)"|(\w+|\*))\s*;?\s*$/i

/** What a request says that consists of one LISTEN or UNLISTEN. */
export function subscriptionIn(request: Buffer): Subscription | undefined {
  if (messageType(request) !== 'Q') return undefined
  const match = SUBSCRIPTION.exec(request.toString('utf8', HEADER_BYTES, request.length - 1))
  if (!match) return undefined
  const [, un, quoted, plain = ''] = match
  return { channel: quoted ?? plain.toLowerCase(), listen: un === undefined }
}

export interface ReadResponse {
  /** Absent where the server has not said yet that it is ready: the request went on. */
  readonly status: TransactionStatus | undefined
  readonly notifications: readonly { readonly channel: string; readonly message: Buffer }[]
  /** The response without the notifications. */
  readonly rest: readonly Buffer[]
}

/** Reads a whole response. Row data is passed over, not copied. */
export function readResponse(response: Buffer): ReadResponse {
  const notifications: { channel: string; message: Buffer }[] = []
  const rest: Buffer[] = []
  let status: TransactionStatus | undefined
  let kept = 0
  let offset = 0
  while (offset < response.length) {
    const end = offset + 1 + response.readUInt32BE(offset + 1)
    const type = messageType(response.subarray(offset, offset + 1))
    if (type === 'Z') status = String.fromCharCode(response[offset + HEADER_BYTES] ?? 0) as TransactionStatus
    if (type === 'A') {
      const message = response.subarray(offset, end)
      notifications.push({ channel: channelOf(message), message })
      if (offset > kept) rest.push(response.subarray(kept, offset))
      kept = end
    }
    offset = end
  }
  if (offset > kept) rest.push(response.subarray(kept))
  return { status, notifications, rest }
}

/** A NotificationResponse: the sender's process id, the channel, the payload. */
function channelOf(message: Buffer): string {
  const start = HEADER_BYTES + 4
  return message.toString('utf8', start, message.indexOf(0, start))
}

function message(type: string, body: Buffer): Buffer {
  const header = Buffer.alloc(HEADER_BYTES)
  header.write(type)
  header.writeUInt32BE(4 + body.length, 1)
  return Buffer.concat([header, body])
}

function text(value: string): Buffer {
  return Buffer.from(`${value}\0`)
}

/** To the server: end whatever is open. The Sync first, for a request that was left half way. */
export const ROLLBACK = Buffer.concat([message('S', Buffer.alloc(0)), message('Q', text('rollback'))])

/** To the client: it is let in without a password. */
export const WELCOME = Buffer.concat([message('R', Buffer.alloc(4)), ready('I')])

/** To the client: the command is done. */
export function completed(command: string, status: TransactionStatus): Buffer {
  return Buffer.concat([message('C', text(command)), ready(status)])
}

function ready(status: TransactionStatus): Buffer {
  return message('Z', Buffer.from(status))
}
