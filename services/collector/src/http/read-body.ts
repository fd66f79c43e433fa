import type { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { ProblemError } from './problem.ts'

export interface BodyLimits {
  /** As sent. */
  readonly sentBytesMax: number
  /** After inflating. */
  readonly inflatedBytesMax: number
  /** Told of bytes that came, as sent. */
  arrive(bytes: number): void
  /** Told of bytes that came to be in memory. Throws where there is no room. */
  grow(bytes: number): void
}

/** Of zlib's output: larger ones are fewer turns of the event loop. */
const CHUNK_BYTES = 128 * 1024

/** The body's bytes, as they are or inflated, counted as they come: a gzip bomb ends at the limit, whatever its ratio. What is
 *  past a limit is discarded, not kept, and not left unread either: a client that is still sending would see a reset in
 *  place of the answer. `requestTimeoutMs` bounds it.
 *  @throws ProblemError */
export function readBody(payload: Readable, gzip: boolean, limits: BodyLimits): Promise<Buffer> {
  return gzip ? readGzip(payload, limits) : readPlain(payload, limits)
}

function readPlain(payload: Readable, limits: BodyLimits): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const body = new Pieces(limits.sentBytesMax, 'as sent', limits.grow)
    onPieces(
      payload,
      (chunk) => {
        limits.arrive(chunk.length)
        body.add(chunk)
      },
      reject,
      CUT_SHORT,
    )
    payload.once('end', () => resolve(body.whole()))
  })
}

function readGzip(payload: Readable, limits: BodyLimits): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const gunzip = createGunzip({ chunkSize: CHUNK_BYTES })
    const inflated = new Pieces(limits.inflatedBytesMax, 'inflated', limits.grow)
    let sentBytes = 0
    const fail = (problem: unknown) => {
      gunzip.destroy()
      payload.resume()
      reject(problem)
    }
    onPieces(
      payload,
      (chunk) => {
        limits.arrive(chunk.length)
        sentBytes += chunk.length
        if (sentBytes > limits.sentBytesMax) throw tooLarge(limits.sentBytesMax, 'as sent')
        // what is inflated is not read faster than it is
        if (!gunzip.destroyed && !gunzip.write(chunk)) payload.pause()
      },
      fail,
      CUT_SHORT,
    )
    payload.once('end', () => gunzip.end())
    gunzip.on('drain', () => payload.resume())
    onPieces(gunzip, (chunk) => inflated.add(chunk), fail, 'The body is not one whole gzip stream.')
    gunzip.once('end', () => resolve(inflated.whole()))
  })
}

const CUT_SHORT = 'The body ended before its announced length.'

/** Hands over each piece until one is refused; the rest is discarded. @param broken what an error of the stream means */
function onPieces(
  stream: Readable,
  take: (chunk: Buffer) => void,
  refuse: (problem: unknown) => void,
  broken: string,
): void {
  let refused = false
  stream.on('data', (chunk: Buffer) => {
    if (refused) return
    try {
      take(chunk)
    } catch (problem) {
      refused = true
      refuse(problem)
    }
  })
  stream.once('error', (cause) => refuse(new ProblemError('invalid_encoding', broken, { cause })))
}

class Pieces {
  readonly #bytesMax: number
  readonly #how: string
  readonly #grow: (bytes: number) => void
  #pieces: Buffer[] = []
  #bytes = 0

  constructor(bytesMax: number, how: string, grow: (bytes: number) => void) {
    this.#bytesMax = bytesMax
    this.#how = how
    this.#grow = grow
  }

  add(chunk: Buffer): void {
    this.#bytes += chunk.length
    if (this.#bytes > this.#bytesMax) {
      this.#pieces = []
      throw tooLarge(this.#bytesMax, this.#how)
    }
    this.#grow(chunk.length)
    this.#pieces.push(chunk)
  }

  whole(): Buffer {
    return Buffer.concat(this.#pieces)
  }
}

function tooLarge(bytesMax: number, how: string): ProblemError {
  return new ProblemError('body_too_large', `The body is larger than ${bytesMax} bytes ${how}.`)
}
