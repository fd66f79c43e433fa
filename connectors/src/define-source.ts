import {
  ListingError,
  type RecordBatch,
  type RecordSource,
  type SourceRecord,
  type SourceSpec,
} from '@syncproof/core/comparison'
import { BATCH_RECORDS_MAX } from './batches.ts'
import { ConfigError } from './config-error.ts'
import { heldToCount } from './held-to-count.ts'
import {
  checkMembers,
  isPlainObject,
  kindOf,
  type MemberRule,
  required,
  someText,
  trueOrFalse,
} from './members.ts'
import { type RecordOptions, RecordReader, recordMembers, shapeOf } from './records.ts'

type Item = Readonly<Record<string, unknown>>

/** A system that code of the user's own reads. The code is run in the reconciler; what it throws makes the report `unknown`,
 *  by its message's first line, which must hold no values of records. */
export interface SourceDefinition extends RecordOptions {
  /** For people, in reports and messages. Never with credentials. */
  readonly name: string
  /** Every record once, or lists of them. It must end only where the system itself has said that this was all, and throw
   *  in every other case: a listing that ends early would say that records are missing. */
  list(signal: AbortSignal): AsyncIterable<Item | readonly Item[]>
  /** One record by key; undefined or null where the system says that there is none. Without it differences stay
   *  undecided: a listing alone proves none. */
  get?(key: string, signal: AbortSignal): Promise<Item | undefined | null>
  /** How many records there are by the system's own count. It is asked before and after a listing, which is not whole where it
   *  has fewer. */
  count?(signal: AbortSignal): Promise<number>
  /** `list` yields keys in ascending order of their UTF-8 bytes. Default false: then they are sorted by us. */
  readonly ordered?: boolean
  /** Ends what the code has opened. */
  close?(): Promise<void>
}

/** @throws ConfigError for members that are missing, unknown or of the wrong type */
export function defineSource(definition: SourceDefinition): SourceSpec {
  checkMembers(definition, 'defineSource', members, (path, detail) => new ConfigError(path, detail))
  return {
    kind: 'custom',
    description: definition.name,
    open: () => new DefinedSource(definition),
  }
}

const aFunction: MemberRule = {
  check: (value) => (typeof value === 'function' ? undefined : `must be a function, not ${kindOf(value)}.`),
}

const members: Readonly<Record<keyof SourceDefinition, MemberRule>> = {
  ...recordMembers,
  name: required(someText),
  list: required(aFunction),
  get: aFunction,
  count: aFunction,
  ordered: trueOrFalse,
  close: aFunction,
}

class DefinedSource implements RecordSource {
  readonly name: string
  readonly ordered: boolean
  readonly get?: (key: string, signal: AbortSignal) => Promise<SourceRecord | undefined>
  readonly count?: (signal: AbortSignal) => Promise<number>
  readonly #definition: SourceDefinition
  readonly #records: RecordReader
  #calls = 0

  constructor(definition: SourceDefinition) {
    this.name = definition.name
    this.ordered = definition.ordered ?? false
    this.#definition = definition
    this.#records = new RecordReader(shapeOf(definition), definition.name)
    if (definition.get) this.get = (key, signal) => this.#get(key, signal)
    if (definition.count) this.count = (signal) => this.#count(signal)
  }

  list(signal: AbortSignal): AsyncGenerator<RecordBatch> {
    const isOfAll = this.#definition.where === undefined && this.#definition.keyPrefix === undefined
    return heldToCount(this.#list(signal), {
      ...{ name: this.name, mend: 'Check `list`: it must yield every record.' },
      count: isOfAll && this.count ? () => this.#count(signal) : undefined,
    })
  }

  async *#list(signal: AbortSignal): AsyncGenerator<RecordBatch> {
    this.#calls += 1
    let records: SourceRecord[] = []
    const listing = this.#listing(signal)
    for (;;) {
      const step = await this.#guarded('list', signal, () => listing.next())
      if (step.done) break
      const items = Array.isArray(step.value) ? step.value : [step.value]
      const observedAt = new Date().toISOString()
      for (const item of items) {
        const record = this.#records.read(item, observedAt)
        if (record) records.push(record)
      }
      if (records.length < BATCH_RECORDS_MAX) continue
      yield { records }
      records = []
    }
    if (records.length > 0) yield { records }
  }

  requests(): number {
    return this.#calls
  }

  async close(): Promise<void> {
    await this.#definition.close?.()
  }

  #listing(signal: AbortSignal): AsyncIterator<Item | readonly Item[]> {
    const listing: unknown = this.#definition.list(signal)
    if (isIterable(listing)) return listing[Symbol.asyncIterator]()
    throw this.#error(
      'unexpected_shape',
      '`list` returns nothing to iterate over. Write `async *list() { … yield … }`.',
    )
  }

  async #get(key: string, signal: AbortSignal): Promise<SourceRecord | undefined> {
    const item = await this.#guarded('get', signal, async () => this.#definition.get?.(key, signal))
    if (item === undefined || item === null) return undefined
    const record = this.#records.read(item, new Date().toISOString())
    if (record === undefined || record.key === key) return record
    throw this.#error('unexpected_shape', '`get` returns a record of another key. Check `get` and `key`.')
  }

  async #count(signal: AbortSignal): Promise<number> {
    const count = await this.#guarded('count', signal, async () => this.#definition.count?.(signal))
    if (typeof count === 'number' && Number.isSafeInteger(count) && count >= 0) return count
    throw this.#error('unexpected_shape', `\`count\` returns ${kindOf(count)}, and no whole number.`)
  }

  /** What the code throws is what the report says of the run. */
  async #guarded<T>(what: string, signal: AbortSignal, run: () => Promise<T>): Promise<T> {
    this.#calls += what === 'list' ? 0 : 1
    try {
      return await run()
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof ListingError) throw error
      const message = error instanceof Error ? error.message : String(error)
      const [line = ''] = message.slice(0, MESSAGE_LENGTH_MAX).split('\n')
      throw new ListingError('page_failed', `${this.name}: \`${what}\` threw: ${line}`, { cause: error })
    }
  }

  #error(code: ConstructorParameters<typeof ListingError>[0], what: string): ListingError {
    return new ListingError(code, `${this.name}: ${what}`)
  }
}

const MESSAGE_LENGTH_MAX = 200

function isIterable(value: unknown): value is AsyncIterable<Item | readonly Item[]> {
  return isPlainObject(value) && Symbol.asyncIterator in value
}
