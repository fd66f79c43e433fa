import { type EntityRef, entityKey, type Fingerprints } from '@syncproof/core/contract'
import { type Moment, now } from '../clock.ts'
import type { EntityTypes } from '../options.ts'
import type { Draft, Reporter } from '../report/reporter.ts'
import { uuidV7 } from '../uuid-v7.ts'
import type { Warn } from '../warnings.ts'
import { Knowledge } from './knowledge.ts'
import type { FingerprintCache, RecordReader } from './record-reader.ts'
import { SuppliedValues } from './supplied-values.ts'

/** What every operation of one client shares. */
export interface Instruments {
  readonly reporter: Reporter
  readonly reader: RecordReader
  readonly entities: EntityTypes
  readonly warn: Warn
  /** Operations that have started and not finished. */
  readonly open: { count: number }
}

/** A record that was read or written, remembered by the object itself, so that a sync of the same object can
 *  say which version it carries. */
export interface CarriedVersion {
  readonly version: string
  readonly fields: Fingerprints
}

/** Different payloads of syncs whose attempts are counted within one operation. */
const SYNCS_COUNTED_MAX = 1_000

/** One run of a wrapped function. */
export class Operation {
  readonly instruments: Instruments
  readonly id: string
  readonly entity: EntityRef
  readonly parent: Operation | undefined
  readonly root: Operation
  readonly startedAt: Moment
  /** Shared by all operations under one root. */
  readonly knowledge: Knowledge
  readonly supplied: SuppliedValues
  readonly fingerprints: FingerprintCache = new Map()
  readonly carried = new WeakMap<object, CarriedVersion>()
  /** What has begun in it and has not been reported yet. */
  inFlight = 0
  /** Reported operations that name it as their parent. */
  calls = 0
  /** Its entity could not be told: it reports nothing, and only keeps what it does known to its root. */
  readonly silent: boolean
  readonly #syncs = new Map<string, number>()
  readonly #writesUnderWay = new Map<string, number>()

  constructor(
    instruments: Instruments,
    parent: Operation | undefined,
    entity: EntityRef | undefined,
    callerArguments: unknown,
  ) {
    this.instruments = instruments
    this.startedAt = now()
    this.id = uuidV7(Math.floor(this.startedAt.wallUs / 1000))
    this.parent = parent
    this.root = parent?.root ?? this
    this.silent = entity === undefined
    this.entity = entity ?? { type: 'unknown', id: 'unknown' }
    this.knowledge = this.root === this ? new Knowledge() : this.root.knowledge
    this.supplied = new SuppliedValues(callerArguments)
  }

  produce(draft: Draft): void {
    if (!this.silent) this.instruments.reporter.produce(draft)
  }

  readFields(entity: EntityRef, record: unknown): Fingerprints {
    return this.instruments.reader.read(entity, record, this.fingerprints)
  }

  /** Whether the caller of this operation, or of one that it runs in, may have supplied the value. */
  wasSupplied(entityType: string, field: string, value: unknown): boolean {
    const rule = this.instruments.reader.rule(entityType, field)
    for (let operation: Operation | undefined = this; operation; operation = operation.parent) {
      if (operation.supplied.has(value, rule)) return true
    }
    return false
  }

  carry(record: unknown, carried: CarriedVersion): void {
    if (typeof record === 'object' && record !== null) this.carried.set(record, carried)
  }

  /** 1 for the first sync of this payload, 2 for the second … */
  countSync(system: string, entity: EntityRef, fields: Fingerprints): number {
    const key = `${system}\n${entityKey(entity)}\n${JSON.stringify(fields)}`
    const attempt = (this.#syncs.get(key) ?? 0) + 1
    if (attempt > 1 || this.#syncs.size < SYNCS_COUNTED_MAX) this.#syncs.set(key, attempt)
    return attempt
  }

  /** A write to this row was sent. @returns takes it back when it was answered */
  beginWrite(target: string): () => void {
    this.#writesUnderWay.set(target, (this.#writesUnderWay.get(target) ?? 0) + 1)
    return () => {
      const left = (this.#writesUnderWay.get(target) ?? 1) - 1
      if (left > 0) this.#writesUnderWay.set(target, left)
      else this.#writesUnderWay.delete(target)
    }
  }

  hasWriteUnderWay(target: string): boolean {
    return this.#writesUnderWay.has(target)
  }
}
