import {
  type EntityRef,
  type EventKind,
  entityKey,
  type FieldRule,
  type Outcome,
} from '@syncproof/core/contract'
import { type Moment, now } from '../clock.ts'
import type { EntityTypes, SampledCall } from '../options.ts'
import type { Members, Reporter } from '../report/reporter.ts'
import { TextMap } from '../report/text-map.ts'
import { uuidV7 } from '../uuid-v7.ts'
import type { Warn } from '../warnings.ts'
import { type CarriedVersion, CarriedVersions } from './carried-versions.ts'
import type { Contract } from './contract.ts'
import type { HiddenIds } from './hidden-ids.ts'
import { Knowledge } from './knowledge.ts'
import { EntityReader, type RecordReader } from './record-reader.ts'
import { SuppliedValues } from './supplied-values.ts'
import { SyncLedger } from './sync-ledger.ts'

/** What every operation of one client shares. */
export interface Instruments {
  readonly reporter: Reporter
  readonly reader: RecordReader
  readonly entities: EntityTypes
  readonly hiddenIds: HiddenIds | undefined
  readonly spanAttributes: boolean
  readonly warn: Warn
  /** Attempts with idempotency keys, for retries that the app makes in another wrapped call. Here, and not where they
   *  are counted: the CommonJS and the ES build of an adapter may both be loaded. */
  readonly keyedSyncs: SyncLedger
  /** Operations that have started and not finished. */
  readonly open: { count: number }
  /** Whether a call that no other one made is left out. */
  readonly isLeftOut: (call: SampledCall) => boolean
}

/** Writes whose fate shows only when the operation has finished. */
const WAITING_MAX = 1_000

/** What its wrapper declares of an operation. */
export interface Declared {
  readonly counter?: readonly string[] | undefined
  readonly lastWriteWins?: readonly string[] | undefined
  readonly onBehalfOf?: string | undefined
  readonly contract?: Contract | undefined
}

const NO_FIELDS: readonly string[] = []
const NO_ENTITY: EntityRef = { type: 'unknown', id: 'unknown' }
const NOTHING_READ = new TextMap()

/** Records of one operation whose fingerprints are kept, so that an unchanged field is hashed once. */
const READERS_MAX = 128

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
  /** What has begun in it and has not been reported yet. */
  inFlight = 0
  /** Reported operations that name it as their parent. */
  calls = 0
  readonly declared: Declared
  /** The row that its first read, of those without an entity of their own, has shown to be its entity's. */
  entityRow: string | undefined
  /** Its entity could not be told: it reports nothing, and only keeps what it does known to its root. */
  readonly silent: boolean
  /** Left out by sampling, with everything under its root. */
  sampledOut: boolean
  // most operations are about one record
  readonly #own: EntityReader
  #readers: Map<string, EntityReader> | undefined
  #carried: CarriedVersions | undefined
  #syncs: SyncLedger | undefined
  #latestWrites: Map<string, unknown> | undefined
  #waiting: ((outcome: Outcome) => void)[] | undefined
  #writesUnderWay: Map<string, number> | undefined

  constructor(
    instruments: Instruments,
    parent: Operation | undefined,
    entity: EntityRef | undefined,
    callerArguments: readonly unknown[],
    declared: Declared,
  ) {
    this.instruments = instruments
    this.startedAt = now()
    this.id = uuidV7(Math.floor(this.startedAt.wallUs / 1000))
    this.parent = parent
    this.declared = declared
    this.root = parent?.root ?? this
    this.silent = entity === undefined
    this.sampledOut = parent?.sampledOut ?? false
    this.entity = entity ?? NO_ENTITY
    this.knowledge = parent?.knowledge ?? new Knowledge()
    this.supplied = new SuppliedValues(callerArguments)
    this.#own = new EntityReader(instruments.reader, this.entity)
  }

  /** Of all operations under one root. */
  get carried(): CarriedVersions {
    this.root.#carried ??= new CarriedVersions()
    return this.root.#carried
  }

  /** The attempts of all syncs under one root. */
  get syncs(): SyncLedger {
    this.root.#syncs ??= new SyncLedger()
    return this.root.#syncs
  }

  /** Of all operations under one root: records whose invariants were asked, and whose write is not settled. */
  get latestWrites(): Map<string, unknown> {
    this.root.#latestWrites ??= new Map()
    return this.root.#latestWrites
  }

  /** Reports one event: the one way by which something of an operation leaves, and where ids are hidden.
   *  @param at the moment of sending */
  produce<K extends EventKind>(kind: K, at: Moment, members: Members<K>): void {
    if (this.silent) return
    const { reporter, hiddenIds } = this.instruments
    if (this.sampledOut) reporter.leaveOut()
    else reporter.produce(kind, this.id, at, hiddenIds ? hiddenIds.hide(members) : members)
  }

  /** The fingerprints of a record of this entity. */
  readFields(entity: EntityRef, record: unknown): TextMap {
    // nobody will see them: most of what reporting costs is this
    return this.sampledOut ? NOTHING_READ : this.readerOf(entity).read(record)
  }

  readerOf(entity: EntityRef): EntityReader {
    if (entity === this.entity) return this.#own
    const key = entityKey(entity)
    const known = key === entityKey(this.entity) ? this.#own : this.#readers?.get(key)
    if (known) return known
    const created = new EntityReader(this.instruments.reader, entity)
    this.#readers ??= new Map()
    if (this.#readers.size < READERS_MAX) this.#readers.set(key, created)
    return created
  }

  /** The fields of an entity that are declared to be counters, or of the last writer.
   *  @param also by a mark; what the wrapper declares is of the operation's own entity type */
  declaredFields(
    kind: 'counter' | 'lastWriteWins',
    entity: EntityRef,
    also: readonly string[] = NO_FIELDS,
  ): readonly string[] {
    const declared = this.declared[kind]
    return declared && entity.type === this.entity.type ? [...declared, ...also] : also
  }

  /** Whether the caller of this operation, or of one that it runs in, may have supplied the value. */
  wasSupplied(value: unknown, rule: FieldRule): boolean {
    return this.supplied.has(value, rule) || (this.parent?.wasSupplied(value, rule) ?? false)
  }

  carry(record: unknown, carried: CarriedVersion): void {
    this.carried.add(record, carried)
  }

  /** Of a root: calls back when it has finished; beyond a bound it does not. */
  whenFinished(settle: (outcome: Outcome) => void): void {
    this.#waiting ??= []
    if (this.#waiting.length < WAITING_MAX) this.#waiting.push(settle)
  }

  /** It has finished. */
  finish(outcome: Outcome): void {
    for (const settle of this.#waiting?.splice(0) ?? []) settle(outcome)
  }

  /** A write to this row was sent. @returns takes it back when it was answered */
  beginWrite(target: string): () => void {
    this.#writesUnderWay ??= new Map()
    const underWay = this.#writesUnderWay
    underWay.set(target, (underWay.get(target) ?? 0) + 1)
    return () => {
      const left = (underWay.get(target) ?? 1) - 1
      if (left > 0) underWay.set(target, left)
      else underWay.delete(target)
    }
  }

  hasWriteUnderWay(target: string): boolean {
    return this.#writesUnderWay?.has(target) ?? false
  }
}
