import { connect as connectPlain, isIP } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Shown } from '../tls-checks.ts'

const ANSWER_MS_MAX = 5_000

/** What came of a connection that was made to an address and closed again. */
export type Knocked =
  | { readonly came: 'nothing'; readonly reason: string }
  | { readonly came: 'connection' }
  | { readonly came: 'certificate'; readonly shown: Shown }

/** Connects to the host of an http or https address, and sends nothing but the handshake of TLS. A certificate that is not
 *  trusted is shown all the same. Never rejects; resolves within 5 s. */
export function knock({ protocol, hostname, port }: URL): Promise<Knocked> {
  const host = hostname.replace(/^\[|\]$/g, '')
  const isTls = protocol === 'https:'
  return new Promise((resolve) => {
    const socket = isTls
      ? connectTls({
          host,
          port: Number(port || 443),
          // it is judged by who asked; nothing is sent over it
          rejectUnauthorized: false,
          ...(isIP(host) === 0 && { servername: host }),
        })
      : connectPlain({ host, port: Number(port || 80) })
    const settle = (came: Knocked) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(came)
    }
    const tooLate = () => settle({ came: 'nothing', reason: `nothing within ${ANSWER_MS_MAX / 1_000} s` })
    const timer = setTimeout(tooLate, ANSWER_MS_MAX)
    socket.once('error', (error) => settle({ came: 'nothing', reason: reasonOf(error) }))
    if ('getPeerCertificate' in socket) socket.once('secureConnect', () => settle(shownBy(socket)))
    else socket.once('connect', () => settle({ came: 'connection' }))
  })
}

function shownBy(socket: ReturnType<typeof connectTls>): Knocked {
  const { authorized, authorizationError } = socket
  // a code, whatever its type says
  const distrust = authorized ? undefined : String(authorizationError)
  const endsMs = Date.parse(socket.getPeerCertificate().valid_to)
  return { came: 'certificate', shown: { distrust, endsMs, protocol: socket.getProtocol() ?? 'TLS' } }
}

/** `ECONNREFUSED`, or what a server said that speaks no TLS. */
function reasonOf(error: Error): string {
  const first = error instanceof AggregateError ? (error.errors[0] ?? error) : error
  return 'code' in first && typeof first.code === 'string' ? first.code : String(first.message)
}
