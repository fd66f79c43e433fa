import { createReadStream } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { createGunzip } from 'node:zlib'
import {
  ListingError,
  type ListOptions,
  type RecordBatch,
  type RecordSource,
  type SourceRecord,
} from '@syncproof/core/comparison'
import { BATCH_RECORDS_MAX } from '../batches.ts'
import { RecordReader, type RecordShape } from '../records.ts'
import type { FileFormat } from './file.ts'
import { type CsvOptions, csvItems, type Item, jsonItems, ndjsonItems } from './items.ts'

export interface FileSourceOptions extends CsvOptions {
  readonly label: string
  readonly path: string
  readonly format: FileFormat
  readonly ordered: boolean
  readonly shape: RecordShape
}

/** Files whose records are kept in memory to be read by key. */
const KEPT_BYTES_MAX = 64 * 1024 * 1024

/** A state of the file; another size, time or inode is another file. */
interface State {
  readonly id: string
  readonly observedAt: string
  readonly isCompressed: boolean
}

export class FileSource implements RecordSource {
  readonly name: string
  readonly ordered: boolean
  readonly #options: FileSourceOptions
  readonly #records: RecordReader
  #kept: { readonly id: string; readonly records: Promise<ReadonlyMap<string, SourceRecord>> } | undefined
  #opened = 0

  constructor(options: FileSourceOptions) {
    this.name = `file ${options.label}`
    this.ordered = options.ordered
    this.#options = options
    this.#records = new RecordReader(options.shape, options.label)
  }

  async *list(signal: AbortSignal, { after }: ListOptions = {}): AsyncGenerator<RecordBatch> {
    const state = await this.#state()
    const from = after === undefined ? 0 : this.#resumed(after, state)
    let records: SourceRecord[] = []
    let end: number | undefined
    for await (const item of this.#items(state, from, undefined)) {
      signal.throwIfAborted()
      const record = this.#records.read(item.value, state.observedAt)
      end = item.end
      if (record) records.push(record)
      if (records.length < BATCH_RECORDS_MAX) continue
      // a position counts from the beginning of the file
      yield end === undefined || state.isCompressed
        ? { records }
        : { records, position: JSON.stringify({ file: state.id, offset: from + end }) }
      records = []
    }
    if (records.length > 0) yield { records }
    // it was written while it was read
    if ((await this.#state()).id !== state.id)
      throw this.#error('truncated', 'changed while it was read. Run again.')
  }

  async get(key: string, signal: AbortSignal): Promise<SourceRecord | undefined> {
    const state = await this.#state()
    if (this.#kept?.id !== state.id) this.#kept = { id: state.id, records: this.#all(state, signal) }
    return (await this.#kept.records).get(key)
  }

  requests(): number {
    return this.#opened
  }

  async close(): Promise<void> {
    this.#kept = undefined
  }

  async #all(state: State, signal: AbortSignal): Promise<ReadonlyMap<string, SourceRecord>> {
    const records = new Map<string, SourceRecord>()
    for await (const { value } of this.#items(state, 0, KEPT_BYTES_MAX)) {
      signal.throwIfAborted()
      const record = this.#records.read(value, state.observedAt)
      if (record === undefined) continue
      if (records.has(record.key)) {
        throw this.#error('duplicate_key', 'has one key twice. Name a key that is unique.')
      }
      records.set(record.key, record)
    }
    return records
  }

  #resumed(position: string, state: State): number {
    const { file, offset } = JSON.parse(position)
    if (file === state.id && Number.isSafeInteger(offset)) return offset
    throw this.#error('cursor_expired', 'is another file since the listing began.')
  }

  #items(state: State, from: number, bytesMax: number | undefined): AsyncGenerator<Item> {
    const { format, label } = this.#options
    const bytes = this.#bytes(state, from, bytesMax)
    if (format === 'csv') return csvItems(bytes, label, this.#options)
    return format === 'ndjson' ? ndjsonItems(bytes, label) : jsonItems(bytes, label)
  }

  async *#bytes(
    { isCompressed }: State,
    from: number,
    bytesMax = Number.POSITIVE_INFINITY,
  ): AsyncGenerator<Uint8Array> {
    this.#opened += 1
    const stream = createReadStream(this.#options.path, { start: from })
    const plain = isCompressed ? stream.pipe(createGunzip()) : stream
    stream.on('error', (error) => plain.destroy(error))
    let read = 0
    try {
      for await (const chunk of plain) {
        read += chunk.length
        if (read > bytesMax) {
          const mib = KEPT_BYTES_MAX / 1024 / 1024
          throw this.#error('body_too_large', `has more than ${mib} MiB: its records are not read by key.`)
        }
        yield chunk
      }
    } catch (error) {
      throw this.#named(error)
    } finally {
      stream.destroy()
    }
  }

  async #state(): Promise<State> {
    let handle: FileHandle | undefined
    try {
      handle = await open(this.#options.path, 'r')
      const { size, mtimeMs, ino, mtime } = await handle.stat()
      const { buffer } = await handle.read(Buffer.alloc(2), 0, 2, 0)
      return {
        id: `${ino}/${size}/${mtimeMs}`,
        observedAt: mtime.toISOString(),
        isCompressed: buffer[0] === 0x1f && buffer[1] === 0x8b,
      }
    } catch (error) {
      throw this.#named(error)
    } finally {
      await handle?.close()
    }
  }

  #named(error: unknown): unknown {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    const make = (listingCode: ConstructorParameters<typeof ListingError>[0], what: string) =>
      new ListingError(listingCode, `${this.#options.label} ${what}`, { cause: error })
    if (code === 'ENOENT') return make('file_not_found', 'is not there. Check `path`.')
    if (code === 'EACCES' || code === 'EPERM')
      return make('permission_denied', 'may not be read. Check its mode.')
    if (code === 'EISDIR') return make('file_not_found', 'is a folder. Check `path`.')
    if (code === 'Z_BUF_ERROR') return make('truncated', 'is cut off within its compression. Write it again.')
    if (code.startsWith('Z_')) return make('not_json', 'is damaged within its compression. Write it again.')
    return error
  }

  #error(code: ConstructorParameters<typeof ListingError>[0], what: string): ListingError {
    return new ListingError(code, `${this.#options.label} ${what}`)
  }
}
