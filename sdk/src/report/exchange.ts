import type { Agent, IncomingHttpHeaders, IncomingMessage, RequestOptions } from 'node:http'

/** What an HTTP server answered. */
export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

/** The answer to a batch of the contract's size has at most a line for each event. */
const ANSWER_BYTES_MAX = 4 * 1024 * 1024

let agents: { readonly http: Agent; readonly https: Agent } | undefined

/** Posts a body, given in pieces, over a connection that is kept for the next one, and follows no redirect, which would carry
 *  the key elsewhere. Not `fetch`: its connections cannot be told to let the process end while they wait.
 *  @throws whatever keeps it from being answered: no connection, the signal */
export async function post(
  url: URL,
  headers: Readonly<Record<string, string | number>>,
  body: readonly Buffer[],
  signal: AbortSignal,
): Promise<Answer> {
  // loaded with the first batch: most of what it costs to import an HTTP client is this
  const [http, https] = await Promise.all([import('node:http'), import('node:https')])
  agents ??= { http: new http.Agent({ keepAlive: true }), https: new https.Agent({ keepAlive: true }) }
  const secure = url.protocol === 'https:'
  const { request } = secure ? https : http
  const options: RequestOptions = {
    method: 'POST',
    headers,
    agent: secure ? agents.https : agents.http,
    signal,
  }
  const exchange = () =>
    new Promise<Answer>((resolve, reject) => {
      const sent = request(url, options, (response) => readAnswer(response).then(resolve, reject))
      sent.on('socket', (socket) => socket.unref())
      sent.on('error', (error) => reject(new ExchangeError(sent.reusedSocket, error)))
      for (const piece of body) sent.write(piece)
      sent.end()
    })
  try {
    return await exchange()
  } catch (error) {
    // the server had closed the kept connection just then: a fresh one tells more
    if (error instanceof ExchangeError && error.reusedSocket && !signal.aborted) return exchange()
    throw error
  }
}

class ExchangeError extends Error {
  readonly reusedSocket: boolean

  constructor(reusedSocket: boolean, cause: Error) {
    super(cause.message, { cause })
    this.reusedSocket = reusedSocket
  }
}

async function readAnswer(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length
    // an endless answer must not fill the app's memory; no collector sends so much
    if (bytes > ANSWER_BYTES_MAX) response.destroy(new Error('the answer is too long'))
    chunks.push(chunk)
  }
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    text: Buffer.concat(chunks).toString(),
  }
}
