import type { ProcessBooks, ProcessReport, SyncproofEvent } from '@syncproof/core/contract'
import { crc32 } from './crc32.ts'
import type { Owner } from './owner.ts'

/** A spool file is text. Its first line is the mark; every other is a checksum, a space and one JSON record:
 *  first the header, then events as they were produced, and notes of what has become of them.
 *
 *  The last character of the mark is overwritten in place where the file stops being the whole truth (a full
 *  disk): that needs no room. */
const MARK = 'syncproof spool 1 '
const COMPLETE = '+'
export const INCOMPLETE = '-'
export const MARK_BYTES = MARK.length
const FIRST_LINE = `${MARK}${COMPLETE}\n`

/** Says what this process had made of its events when it was written. */
export interface SpoolNote {
  readonly books: ProcessBooks
  /** Events with a lower number are stored or dropped. */
  readonly settled: number
}

export interface SpoolHeader extends SpoolNote {
  readonly owner: Owner
  readonly process: Omit<ProcessReport, 'clock' | 'books'>
  readonly at: string
  readonly monotonic_us: number
}

type SpooledEvent = Pick<SyncproofEvent, 'seq' | 'kind' | 'at' | 'monotonic_us'>

export interface SpoolContent {
  readonly complete: boolean
  readonly header: SpoolHeader
  /** The newest. */
  readonly note: SpoolNote
  /** JSON text with the members that recovery needs. */
  readonly events: readonly { readonly line: string; readonly event: SpooledEvent }[]
  /** Lines that are no whole record. */
  readonly damaged: number
  /** The last line is one of them. */
  readonly torn: boolean
}

export function formatStart(header: SpoolHeader): string {
  return FIRST_LINE + formatRecord(JSON.stringify({ header }))
}

export function formatNote(note: SpoolNote): string {
  return formatRecord(JSON.stringify({ note }))
}

/** @param json without a line break, which JSON text has none of */
export function formatRecord(json: string): string {
  return `${crc32(json).toString(16).padStart(8, '0')} ${json}\n`
}

/** What is in a file, wherever it was cut off or overwritten. `empty` of one that was cut off before anything was
 *  in it; undefined of what is no spool file. */
export function parseSpool(text: string): SpoolContent | 'empty' | undefined {
  const hasMark = text.startsWith(MARK)
  if (!hasMark && !MARK.startsWith(text)) return undefined
  const lines = text.split('\n')
  // what follows the last line break is a record that was being written
  const torn = lines.pop() !== ''
  const [first, ...rest] = lines
  const records = rest.map(parseRecord)
  const header = memberOf<SpoolHeader>(records[0], 'header')
  if (!header) return lines.length < 3 ? 'empty' : undefined
  const notes = records.flatMap((record) => memberOf<SpoolNote>(record, 'note') ?? [])
  const events = records.flatMap((record, index) => {
    const line = rest[index]?.slice(CHECKSUM_LENGTH)
    if (line === undefined || !isEvent(record)) return []
    const { seq, kind, at, monotonic_us } = record
    return [{ line, event: { seq, kind, at, monotonic_us } }]
  })
  return {
    complete: first === MARK + COMPLETE,
    header,
    note: notes.at(-1) ?? header,
    events,
    damaged: records.filter((record) => record === undefined).length + (torn ? 1 : 0),
    torn: torn || records.at(-1) === undefined,
  }
}

const CHECKSUM_LENGTH = 9

function parseRecord(line: string): object | undefined {
  const json = line.slice(CHECKSUM_LENGTH)
  if (formatRecord(json) !== `${line}\n`) return undefined
  try {
    const record: unknown = JSON.parse(json)
    return typeof record === 'object' && record !== null ? record : undefined
  } catch {
    return undefined
  }
}

function memberOf<T>(record: object | undefined, name: string): T | undefined {
  return record && Object.hasOwn(record, name) ? (record as Readonly<Record<string, T>>)[name] : undefined
}

function isEvent(record: object | undefined): record is SpooledEvent {
  return typeof memberOf(record, 'seq') === 'number'
}
