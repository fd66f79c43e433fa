import { hash } from 'node:crypto'
import {
  type FingerprintedRecord,
  type Judge,
  ListingError,
  type RecheckRead,
  type RecordRules,
  type RecordSource,
  recordFingerprinter,
  recordJudge,
  type SourceRecord,
} from '@syncproof/core/comparison'
import { createFingerprinter, type FieldRules, isHashedId, type Observation } from '@syncproof/core/contract'
import type { Pair } from '../pairs.ts'
import { HashedKeys } from './hashed-keys.ts'

/** Both sides of a pair, opened for one run. */
export interface Sides {
  readonly source: RecordSource
  readonly target: RecordSource
  readonly fingerprint: (record: SourceRecord) => FingerprintedRecord
  /** Of a pair with hashed ids; `fingerprint` then calls each record by its hash. */
  readonly hashed: HashedKeys | undefined
  /** Of the key that hashes are made with. */
  readonly keyId: string
  readonly rules: RecordRules
  /** By values. Of a pair with hashed ids, too, it names records by their keys. */
  readonly judge: Judge<SourceRecord>
  /** Changes with everything that fingerprints are made of beside the values. */
  readonly rulesId: string
  /** Changes with the pair's declared rules. */
  readonly version: string
}

/** The key of a record by what it is called; undefined where only its hash is known. */
export function keyOf({ hashed }: Sides, name: string): string | undefined {
  if (hashed) return hashed.keyOf(name)
  // an app that hashes ids whose pair does not: as a key it would be a record that is on neither side
  return isHashedId(name) ? undefined : name
}

/** Opens both sides. The rules of the source's types serve both, so that one value has one fingerprint.
 *  @throws ListingError where the source cannot be asked for its types */
export async function openSides(pair: Pair, fingerprintKey: string): Promise<Sides> {
  const source = pair.config.source.open()
  const target = pair.config.target.open()
  try {
    const fingerprinter = createFingerprinter(fingerprintKey)
    const rules = { declared: pair.config.fields, byType: await source.fieldRules?.() }
    const fingerprint = recordFingerprinter({ entityType: pair.entityType, fingerprinter, ...rules })
    const { keyId } = fingerprinter
    const hashed = HashedKeys.of(pair, fingerprinter)
    const hiding = (record: SourceRecord) => {
      const printed = fingerprint(record)
      return hashed ? { ...printed, key: hashed.note(record.key) } : printed
    }
    return {
      source,
      target,
      fingerprint: hashed ? hiding : fingerprint,
      hashed,
      keyId,
      rules,
      judge: recordJudge(rules),
      rulesId: rulesIdOf(pair, keyId, rules),
      version: versionOf(rules),
    }
  } catch (error) {
    await closeSides({ source, target })
    throw error
  }
}

function versionOf({ declared = {} }: RecordRules): string {
  const ids = Object.entries(declared).map(([name, { id }]) => [name, id])
  return hash('sha256', JSON.stringify(ids.sort()), 'hex').slice(0, 8)
}

function rulesIdOf(pair: Pair, keyId: string, { declared = {}, byType = {} }: RecordRules): string {
  const ids = (rules: FieldRules) =>
    Object.entries(rules)
      .map(([name, { id }]) => [name, id])
      .sort()
  const parts = [pair.entityType, pair.hasHashedIds, keyId, ids(declared), ids(byType)]
  return hash('sha256', JSON.stringify(parts), 'base64url')
}

export async function closeSides(sides: Pick<Sides, 'source' | 'target'>): Promise<void> {
  await Promise.allSettled([sides.source.close(), sides.target.close()])
}

/** What one read of one record by key said. */
export interface Reading {
  readonly record: RecheckRead
  /** The same with its values, which stay in this process. */
  readonly value: SourceRecord | undefined
  readonly observation: Observation
}

/** A side that cannot be asked for one record: its suspects stay undecided. */
export class NoReadByKeyError extends Error {
  override readonly name = 'NoReadByKeyError'
}

/** @throws NoReadByKeyError, ListingError */
export async function readRecord(
  side: RecordSource,
  fingerprint: Sides['fingerprint'],
  key: string,
  signal: AbortSignal,
): Promise<Reading> {
  if (!side.get) throw new NoReadByKeyError(`${side.name} cannot be asked for one record by its key.`)
  const record = await side.get(key, signal)
  if (record === undefined) {
    const observed_at = new Date().toISOString()
    return {
      record: undefined,
      value: undefined,
      observation: { system: side.name, observed_at, found: false, fields: {} },
    }
  }
  const printed = fingerprint(record)
  return {
    record: printed,
    value: record,
    observation: {
      system: side.name,
      observed_at: record.observedAt,
      found: true,
      fields: printed.fields,
    },
  }
}

/** One short text for one state of a record, also for "there is none". */
export function stateOf(record: RecheckRead): string {
  if (record === undefined) return 'none'
  const fields = Object.entries(record.fields).sort(([a], [b]) => (a < b ? -1 : 1))
  return hash(
    'sha256',
    JSON.stringify([record.version ?? null, fields, ...(record.deleted ? ['deleted'] : [])]),
    'base64url',
  )
}

export function isListingError(error: unknown): error is ListingError {
  return error instanceof ListingError
}
