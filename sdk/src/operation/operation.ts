import type { EntityRef, Fingerprints, Outcome } from '@syncproof/core/contract'
import { type Moment, now } from '../clock.ts'
import type { EntityTypes, SampledCall } from '../options.ts'
import type { Draft, Reporter } from '../report/reporter.ts'
import { uuidV7 } from '../uuid-v7.ts'
import type { Warn } from '../warnings.ts'
import { type CarriedVersion, CarriedVersions } from './carried-versions.ts'
import type { Contract } from './contract.ts'
import { FingerprintCache } from './fingerprint-cache.ts'
import { Knowledge } from './knowledge.ts'
import type { RecordReader } from './record-reader.ts'
import { SuppliedValues } from './supplied-values.ts'
import { SyncLedger } from './sync-ledger.ts'

/** What every operation of one client shares. */
export interface Instruments {
  readonly reporter: Reporter
  readonly reader: RecordReader
  readonly entities: EntityTypes
  readonly spanAttributes: boolean
  readonly warn: Warn
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
  readonly fingerprints = new FingerprintCache()
  /** Of all operations under one root. */
  readonly carried: CarriedVersions
  /** Of a root: the attempts of all syncs under it. */
  readonly syncs = new SyncLedger()
  /** What has begun in it and has not been reported yet. */
  inFlight = 0
  /** Reported operations that name it as their parent. */
  calls = 0
  readonly declared: Declared
  /** The row that its first read, of those without an entity of their own, has shown to be its entity's. */
  entityRow: string | undefined
  /** Of a root: records whose invariants were asked, and whose write is not settled. */
  readonly latestWrites = new Map<string, unknown>()
  /** Its entity could not be told: it reports nothing, and only keeps what it does known to its root. */
  readonly silent: boolean
  /** Left out by sampling, with everything under its root. */
  sampledOut: boolean
  #waiting: ((outcome: Outcome) => void)[] = []
  readonly #writesUnderWay = new Map<string, number>()

  constructor(
    instruments: Instruments,
    parent: Operation | undefined,
    entity: EntityRef | undefined,
    callerArguments: unknown,
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
    this.entity = entity ?? { type: 'unknown', id: 'unknown' }
    this.carried = this.root === this ? new CarriedVersions() : this.root.carried
    this.knowledge = this.root === this ? new Knowledge() : this.root.knowledge
    this.supplied = new SuppliedValues(callerArguments)
  }

  produce(draft: Draft): void {
    if (this.silent) return
    if (this.sampledOut) this.instruments.reporter.leaveOut()
    else this.instruments.reporter.produce(draft)
  }

  readFields(entity: EntityRef, record: unknown): Fingerprints {
    // nobody will see them: most of what reporting costs is this
    if (this.sampledOut) return {}
    return this.instruments.reader.read(entity, record, this.fingerprints)
  }

  /** The fields of an entity that the wrapper declares to be counters, or of the last writer; it speaks of the
   *  operation's own entity type. */
  declaredFields(kind: 'counter' | 'lastWriteWins', entity: EntityRef): readonly string[] {
    return entity.type === this.entity.type ? (this.declared[kind] ?? []) : []
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
    this.carried.add(record, carried)
  }

  /** Of a root: calls back when it has finished; beyond a bound it does not. */
  whenFinished(settle: (outcome: Outcome) => void): void {
    if (this.#waiting.length < WAITING_MAX) this.#waiting.push(settle)
  }

  /** It has finished. */
  finish(outcome: Outcome): void {
    for (const settle of this.#waiting.splice(0)) settle(outcome)
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
