import { ListingError } from '@syncproof/core/comparison'
import { CsvError, parse } from 'csv-parse'
import { parseLosslessly } from '../lossless-json.ts'
import { linesOf, RECORD_BYTES_MAX } from './lines.ts'

/** An object of a file, and behind how many bytes of it. */
export interface Item {
  readonly value: unknown
  /** Undefined where nobody can go on from there. */
  readonly end: number | undefined
}

const JSON_BYTES_MAX = 64 * 1024 * 1024

/** @throws ListingError `not_json`, `truncated`, `not_utf8`, `body_too_large` */
export async function* ndjsonItems(bytes: AsyncIterable<Uint8Array>, label: string): AsyncGenerator<Item> {
  for await (const { text, number, end, isOpen } of linesOf(bytes, label)) {
    if (text.trim() === '') continue
    yield { value: parseLine(text, isOpen, `${label}, line ${number},`), end }
  }
}

function parseLine(text: string, isLast: boolean, where: string): unknown {
  try {
    return parseLosslessly(text)
  } catch (cause) {
    // nothing ends the line: the rest of it was never written
    if (isLast)
      throw new ListingError('truncated', `${where} ends in the middle of a record. Write it again.`, {
        cause,
      })
    throw new ListingError('not_json', `${where} is no JSON. Each line must be one object.`, { cause })
  }
}

/** @throws ListingError as `ndjsonItems` */
export async function* jsonItems(bytes: AsyncIterable<Uint8Array>, label: string): AsyncGenerator<Item> {
  const parts: Uint8Array[] = []
  let held = 0
  for await (const chunk of bytes) {
    parts.push(chunk)
    held += chunk.length
    if (held <= JSON_BYTES_MAX) continue
    throw new ListingError(
      'body_too_large',
      `${label} has more than ${JSON_BYTES_MAX / 1024 / 1024} MiB in one list. Write one object a line (NDJSON).`,
    )
  }
  const list = parseLine(decodeAll(Buffer.concat(parts), label), true, label)
  if (!Array.isArray(list)) throw new ListingError('unexpected_shape', `${label} is no list of objects.`)
  for (const value of list) yield { value, end: undefined }
}

function decodeAll(bytes: Uint8Array, label: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new ListingError('not_utf8', `${label} has bytes that are not UTF-8. Convert it to UTF-8.`, {
      cause,
    })
  }
}

export interface CsvOptions {
  readonly delimiter: string
  readonly nullText: string | undefined
}

/** Rows by the names of the header (RFC 4180); every cell is text.
 *  @throws ListingError `unexpected_shape` with the line, `truncated`, `body_too_large` */
export async function* csvItems(
  bytes: AsyncIterable<Uint8Array>,
  label: string,
  { delimiter, nullText }: CsvOptions,
): AsyncGenerator<Item> {
  const parser = parse({
    bom: true,
    columns: (header: string[]) => uniqueNames(header, label),
    delimiter,
    max_record_size: RECORD_BYTES_MAX,
    skip_empty_lines: true,
    cast: (cell, { quoting }) => (cell === nullText && !quoting ? null : cell),
  })
  const feeding = feed(bytes, parser, label)
  // told by the loop below
  feeding.catch((error) => parser.destroy(error))
  try {
    for await (const value of parser) yield { value, end: undefined }
    await feeding
  } catch (error) {
    throw csvError(error, label)
  } finally {
    parser.destroy()
  }
}

async function feed(
  bytes: AsyncIterable<Uint8Array>,
  parser: ReturnType<typeof parse>,
  label: string,
): Promise<void> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const text = (chunk?: Uint8Array) => {
    try {
      return chunk ? decoder.decode(chunk, { stream: true }) : decoder.decode()
    } catch (cause) {
      throw new ListingError('not_utf8', `${label} has bytes that are not UTF-8. Convert it to UTF-8.`, {
        cause,
      })
    }
  }
  for await (const chunk of bytes) {
    if (parser.destroyed) return
    if (!parser.write(text(chunk))) await drained(parser)
  }
  parser.write(text())
  parser.end()
}

function drained(parser: ReturnType<typeof parse>): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      parser.off('drain', done).off('close', done)
      resolve()
    }
    parser.on('drain', done).on('close', done)
  })
}

function uniqueNames(header: readonly string[], label: string): string[] {
  const twice = header.find((name, at) => header.indexOf(name) !== at)
  if (twice === undefined) return [...header]
  throw new ListingError(
    'unexpected_shape',
    `${label} names the column '${twice}' twice in its header. Rename one.`,
  )
}

function csvError(error: unknown, label: string): unknown {
  if (!(error instanceof CsvError)) return error
  const at = 'lines' in error ? `, line ${String(error.lines)},` : ''
  if (error.code === 'CSV_QUOTE_NOT_CLOSED') {
    return new ListingError('truncated', `${label}${at} ends within quotes. Write it again.`, {
      cause: error,
    })
  }
  if (error.code === 'CSV_MAX_RECORD_SIZE') {
    const detail = `${label}${at} has a row of more than ${RECORD_BYTES_MAX / 1024 / 1024} MiB. Check quotes and delimiter.`
    return new ListingError('body_too_large', detail, { cause: error })
  }
  const detail = `${label}${at} is no CSV of its header's columns (${error.code}). Check quotes and delimiter.`
  return new ListingError('unexpected_shape', detail, { cause: error })
}
