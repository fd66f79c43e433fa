import { createReadStream } from 'node:fs'
import { resolve } from 'node:path'
import { UnableError } from './command.ts'

/** A file of findings is read whole: about 100,000 of them. */
const FILE_BYTES_MAX = 512 * 1024 * 1024

export interface FindingsFile {
  /** Whatever the file says is a finding. */
  readonly findings: readonly unknown[]
  /** The file itself says that it does not hold all. */
  readonly more: boolean
}

/** Findings as this program or the report API prints them: one, a list, one a line.
 *  @param file `-` is stdin
 *  @throws UnableError where it cannot be read, is no JSON, or holds no finding */
export async function readFindings(file: string, folder: string): Promise<FindingsFile> {
  const name = file === '-' ? 'stdin' : file
  const text = await readText(file, folder, name)
  if (text === '') throw new UnableError(`${name} is empty.`, FORMATS)
  const documents = parseWhole(text) ?? parseLines(text, name)
  const found = documents.flatMap((document, index) => {
    const items = findingsOf(document)
    if (items) return [items]
    throw new UnableError(`Document ${index + 1} of ${name} holds no finding.`, FORMATS)
  })
  return { findings: found.flatMap(({ findings }) => findings), more: found.some(({ more }) => more) }
}

const FORMATS = 'It must hold what `syncproof findings --json` or GET /v1/findings/{id} gives.'

async function readText(file: string, folder: string, name: string): Promise<string> {
  const source = file === '-' ? process.stdin : createReadStream(resolve(folder, file))
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of source) {
      chunks.push(chunk)
      bytes += chunk.length
      if (bytes > FILE_BYTES_MAX) break
    }
  } catch (error) {
    throw new UnableError(`${name} cannot be read: ${reasonOf(error)}.`, undefined, { cause: error })
  }
  if (bytes > FILE_BYTES_MAX)
    throw new UnableError(`${name} is larger than ${FILE_BYTES_MAX} bytes.`, 'Split it.')
  return Buffer.concat(chunks)
    .toString('utf8')
    .replace(/^\ufeff/, '')
    .trim()
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ENOENT') return 'there is no such file'
  return code === 'EISDIR' ? 'it is a folder' : String(error instanceof Error ? error.message : error)
}

/** Undefined where the text is not one JSON document. */
function parseWhole(text: string): readonly unknown[] | undefined {
  try {
    return [JSON.parse(text)]
  } catch {
    return undefined
  }
}

function parseLines(text: string, name: string): readonly unknown[] {
  return text.split('\n').flatMap((line, index) => {
    if (line.trim() === '') return []
    try {
      return [JSON.parse(line) as unknown]
    } catch (error) {
      throw new UnableError(`Line ${index + 1} of ${name} is no JSON.`, FORMATS, { cause: error })
    }
  })
}

/** Undefined where there is no finding in it, and none is said to be. */
function findingsOf(document: unknown): FindingsFile | undefined {
  if (Array.isArray(document)) return { findings: document, more: false }
  if (typeof document !== 'object' || document === null) return undefined
  const { kind, finding, findings, items, more, next_cursor, type } = document as Record<string, unknown>
  if (typeof kind === 'string') return { findings: [document], more: false }
  if (finding !== undefined) return { findings: [finding], more: false }
  const list = findings ?? items
  if (Array.isArray(list)) return { findings: list, more: more === true || typeof next_cursor === 'string' }
  // `syncproof dev --json` says first where it runs
  return type === 'started' ? { findings: [], more: false } : undefined
}
