import { connect, type Socket } from 'node:net'

export interface RawConnection {
  readonly socket: Socket
  /** Everything that the server has sent so far. */
  received(): string
  /** Resolves when the server has ended the connection, or cut it. */
  readonly ended: Promise<void>
}

/** A connection on which the test says every byte. */
export function openRaw(url: string): RawConnection {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  let text = ''
  socket.setEncoding('latin1')
  socket.on('data', (chunk) => {
    text += chunk
  })
  // being cut off is what some of the tests wait for
  socket.on('error', () => {})
  const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  return { socket, received: () => text, ended }
}

/** The problem document at the end of a raw answer. */
export function rawProblem(received: string): Record<string, unknown> {
  return JSON.parse(received.slice(received.indexOf('\r\n\r\n') + 4))
}

export function requestHead(headers: Readonly<Record<string, string | number>>): string {
  const lines = Object.entries({ host: 'test', ...headers }).map(([name, value]) => `${name}: ${value}`)
  return `POST /v1/events HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`
}
