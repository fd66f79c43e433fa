import {
  ListingError,
  type RecordBatch,
  type RecordSource,
  type SourceRecord,
} from '@syncproof/core/comparison'
import { BATCH_RECORDS_MAX } from '../batches.ts'
import { parseLosslessly } from '../lossless-json.ts'
import { isPlainObject } from '../members.ts'
import { RecordReader, type RecordShape } from '../records.ts'
import { linesOfTap, type TapOptions } from './tap.ts'

export interface SingerSourceOptions extends TapOptions {
  readonly stream: string
  /** By the tap's key properties; undefined where there is no key. */
  readonly shape: (keyProperties: readonly string[]) => RecordShape | undefined
}

/** The messages of a tap (Singer specification 0.3): SCHEMA, RECORD, STATE, ACTIVATE_VERSION, whose types may come in any
 *  case, and others, which mean nothing to us. A STATE says nothing of completeness, and no ACTIVATE_VERSION deletes. */
export class SingerSource implements RecordSource {
  readonly name: string
  readonly ordered = false
  readonly #options: SingerSourceOptions
  #runs = 0

  constructor(options: SingerSourceOptions) {
    this.name = `singer ${options.stream}`
    this.#options = options
  }

  async *list(signal: AbortSignal): AsyncGenerator<RecordBatch> {
    this.#runs += 1
    const { stream, command } = this.#options
    const label = `${command[0]} ${stream}`
    let reader: RecordReader | undefined
    let records: SourceRecord[] = []
    for await (const { text, number, isOpen } of linesOfTap(this.#options, signal)) {
      if (text.trim() === '') continue
      const message = parseMessage(text, isOpen, `${label}, line ${number},`)
      if (message.stream !== stream) continue
      if (message.type === 'SCHEMA') reader = this.#readerOf(message, label)
      if (message.type !== 'RECORD') continue
      if (reader === undefined) throw noSchema(label)
      const record = reader.read(message.record, observedAt(message))
      if (record) records.push(record)
      if (records.length < BATCH_RECORDS_MAX) continue
      yield { records }
      records = []
    }
    if (reader === undefined) throw noSchema(label)
    if (records.length > 0) yield { records }
  }

  requests(): number {
    return this.#runs
  }

  async close(): Promise<void> {}

  #readerOf(message: Message, label: string): RecordReader {
    const properties = Array.isArray(message.key_properties) ? message.key_properties : []
    const shape = this.#options.shape(properties.filter((name) => typeof name === 'string'))
    if (shape) return new RecordReader(shape, label)
    const detail = `${label}: the tap names no key of this stream. Name one: \`key: 'id'\`.`
    throw new ListingError('key_missing', detail)
  }
}

type Message = Readonly<Record<string, unknown>>

function parseMessage(text: string, isLast: boolean, where: string): Message {
  let message: unknown
  try {
    message = parseLosslessly(text)
  } catch (cause) {
    if (isLast) throw new ListingError('truncated', `${where} ends in the middle of a message.`, { cause })
    throw new ListingError(
      'not_json',
      `${where} is no JSON. A tap must write messages to stdout and logs to stderr.`,
      {
        cause,
      },
    )
  }
  if (!isPlainObject(message)) {
    throw new ListingError('unexpected_shape', `${where} is no message of a tap.`)
  }
  const { type } = message
  return typeof type === 'string' ? { ...message, type: type.toUpperCase() } : message
}

function noSchema(label: string): ListingError {
  return new ListingError(
    'unexpected_shape',
    `${label}: the tap says no SCHEMA of this stream. Check \`stream\`, and that the catalog selects it.`,
  )
}

/** As the tap says it, else now. */
function observedAt({ time_extracted }: Message): string {
  const ms = typeof time_extracted === 'string' ? Date.parse(time_extracted) : Number.NaN
  return new Date(Number.isNaN(ms) ? Date.now() : Math.min(ms, Date.now())).toISOString()
}
