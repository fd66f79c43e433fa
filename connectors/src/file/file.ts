import { basename } from 'node:path'
import type { SourceSpec } from '@syncproof/core/comparison'
import { ConfigError } from '../config-error.ts'
import { checkMembers, type MemberRule, required, someText, trueOrFalse } from '../members.ts'
import { type RecordOptions, recordMembers, shapeOf } from '../records.ts'
import { FileSource } from './source.ts'

const FILE_FORMATS = ['ndjson', 'csv', 'json'] as const
export type FileFormat = (typeof FILE_FORMATS)[number]

export interface FileOptions extends RecordOptions {
  readonly path: string
  /** `ndjson`: one object a line. `csv`: with a header. `json`: one list of objects, at most 64 MiB. Default: by the name
   *  of the file, without `.gz`. Whether it is compressed is read from the file. */
  readonly format?: FileFormat
  /** Of CSV: between two cells. Default `,`. */
  readonly delimiter?: string
  /** Of CSV: the cell that stands for null, such as `\\N`. Default: none does, an empty cell is empty text. */
  readonly nullText?: string
  /** Records ascend by the UTF-8 bytes of their keys. Default false. */
  readonly ordered?: boolean
}

/** Records of a file: an export, a dump, a fixture. What it says was true when it was last written. A file that is cut off,
 *  or has one line that cannot be read, is not whole, and says nothing of what is missing.
 *  Records are read by key, for rechecks, from files of at most 64 MiB (inflated).
 *  @throws ConfigError for options that are missing, unknown or of the wrong type */
export function file(options: FileOptions): SourceSpec {
  checkMembers(options, 'file', members, (path, detail) => new ConfigError(path, detail))
  const format = options.format ?? formatOf(options.path)
  if (format === undefined) {
    const detail = 'is not known from the name of the file. Write one of ndjson, csv, json.'
    throw new ConfigError('file.format', detail)
  }
  return {
    kind: 'file',
    description: `file ${basename(options.path)}`,
    open: () =>
      new FileSource({
        label: basename(options.path),
        path: options.path,
        format,
        delimiter: options.delimiter ?? ',',
        nullText: options.nullText,
        ordered: options.ordered ?? false,
        shape: shapeOf(options),
      }),
  }
}

const FORMATS: Readonly<Record<string, FileFormat>> = {
  ndjson: 'ndjson',
  jsonl: 'ndjson',
  csv: 'csv',
  json: 'json',
}

function formatOf(path: string): FileFormat | undefined {
  const extension = /\.([a-z]+)(?:\.gz)?$/.exec(path.toLowerCase())?.[1] ?? ''
  return Object.hasOwn(FORMATS, extension) ? FORMATS[extension] : undefined
}

const aFormat: MemberRule = {
  check: (value) =>
    FILE_FORMATS.some((format) => format === value)
      ? undefined
      : `must be one of ${FILE_FORMATS.join(', ')}.`,
}

const oneCharacter: MemberRule = {
  check: (value) => (typeof value === 'string' && value.length === 1 ? undefined : 'must be one character.'),
}

const members: Readonly<Record<keyof FileOptions, MemberRule>> = {
  ...recordMembers,
  path: required(someText),
  format: aFormat,
  delimiter: oneCharacter,
  nullText: { check: (value) => (typeof value === 'string' ? undefined : 'must be text.') },
  ordered: trueOrFalse,
}
