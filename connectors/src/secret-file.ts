import { closeSync, openSync, readSync } from 'node:fs'
import { ConfigError } from './config-error.ts'

export { ConfigError } from './config-error.ts'

/** A secret is a line; what is larger is another file. */
const SECRET_BYTES_MAX = 64 * 1024

type Environment = Readonly<Record<string, string | undefined>>

/** A variable's value, or the content of the file that `<NAME>_FILE` names, without the newline at its end; undefined where
 *  neither is set. Empty counts as unset: of a variable, and of the path.
 *  @throws ConfigError, which names variable and path and never the content, where both are set, and for a file that cannot be
 *  read, is empty, no text in UTF-8, or larger than 64 KiB */
export function fromVariable(name: string, env: Environment = process.env): string | undefined {
  const value = env[name] || undefined
  const path = env[`${name}_FILE`] || undefined
  if (path === undefined) return value
  if (value !== undefined) {
    throw new ConfigError(
      undefined,
      `${name} and ${name}_FILE are both set. Set one: the value itself, or the file that holds it.`,
    )
  }
  return readSecret(`${name}_FILE`, path)
}

function readSecret(variable: string, path: string): string {
  const wrong = (what: string) => new ConfigError(undefined, `${variable} names ${path}, which ${what}.`)
  const bytes = readBytes(path, wrong)
  if (bytes.length > SECRET_BYTES_MAX) throw wrong('has more than 64 KiB: it is no secret')
  const text = textOf(bytes)?.replace(/\r?\n$/, '')
  if (text === undefined) throw wrong('is no text in UTF-8')
  // as good as unset, and what is unset has a default: of a key, one that everybody knows
  if (text === '') throw wrong('is empty')
  return text
}

/** Never more than one byte past the most: there are files without an end. */
function readBytes(path: string, wrong: (what: string) => ConfigError): Buffer {
  const bytes = Buffer.alloc(SECRET_BYTES_MAX + 1)
  let file: number | undefined
  try {
    file = openSync(path, 'r')
    let length = 0
    for (let read = -1; read !== 0 && length < bytes.length; length += read)
      read = readSync(file, bytes, length, bytes.length - length, null)
    return bytes.subarray(0, length)
  } catch (error) {
    throw wrong(`cannot be read: ${codeOf(error)}`)
  } finally {
    if (file !== undefined) closeSync(file)
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'the system refuses'
}

function textOf(bytes: Buffer): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return text.includes('\0') ? undefined : text
  } catch {
    return undefined
  }
}
