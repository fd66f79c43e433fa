import { createReadStream, createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'
import { UnableError } from '../command.ts'
import { linesOf } from './lines.ts'

/** Writes texts to a file, which is there under its name only when all of them are in it. With `.gz` at the end of the
 *  name it is compressed.
 *  @throws UnableError where it cannot be written */
export async function writeDump(path: string, texts: AsyncIterable<string>): Promise<void> {
  const unfinished = `${path}.part`
  const compressed = path.endsWith('.gz')
  try {
    const target = createWriteStream(unfinished)
    await (compressed ? pipeline(texts, createGzip(), target) : pipeline(texts, target))
    await rename(unfinished, path)
  } catch (error) {
    await rm(unfinished, { force: true })
    throw isOfFile(error)
      ? new UnableError(`${path} cannot be written: ${error.message}.`, undefined, { cause: error })
      : error
  }
}

/** @throws UnableError where it cannot be read, or is no whole gzip */
export async function* readLines(path: string): AsyncGenerator<string> {
  try {
    const file = createReadStream(path)
    yield* linesOf(path.endsWith('.gz') ? file.pipe(passingErrors(file)) : file)
  } catch (error) {
    throw isOfFile(error)
      ? new UnableError(`${path} cannot be read: ${error.message}.`, undefined, { cause: error })
      : error
  }
}

/** `pipe` leaves the errors of the file behind. */
function passingErrors(file: NodeJS.ReadableStream) {
  const gunzip = createGunzip()
  file.on('error', (error) => gunzip.destroy(error))
  return gunzip
}

/** Of the file system, of zlib, or a line that is too long. */
function isOfFile(error: unknown): error is Error {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return (
    /^(E[A-Z]+|Z_[A-Z_]+)$/.test(code) || (error instanceof Error && error.message.startsWith('a line is'))
  )
}
