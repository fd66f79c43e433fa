import { type PairConfig, parseDuration } from '@syncproof/connectors'
import type { EntityRef } from '@syncproof/core/contract'
import type { PairRow } from '@syncproof/store'
import { GRACE_MS_DEFAULT } from './limits.ts'

/** A configured pair with its defaults filled in and its durations in milliseconds. */
export interface Pair {
  readonly name: string
  readonly config: PairConfig
  readonly entityType: string
  /** Undefined: only on demand. */
  readonly everyMs: number | undefined
  readonly graceMs: number
  /** Its records are called by the hashes of their keys, as in the events of the app. */
  readonly hasHashedIds: boolean
}

/** @throws ConfigError for a duration that is none */
export function resolvePairs(configs: Readonly<Record<string, PairConfig>>): ReadonlyMap<string, Pair> {
  return new Map(
    Object.entries(configs).map(([name, config]) => [
      name,
      {
        name,
        config,
        entityType: config.entityType ?? name,
        everyMs: config.every === undefined ? undefined : parseDuration(config.every),
        graceMs: config.grace === undefined ? GRACE_MS_DEFAULT : parseDuration(config.grace),
        hasHashedIds: config.entityId === 'hashed',
      },
    ]),
  )
}

/** The pair as the report API shows it. */
export function pairRow(pair: Pair): PairRow {
  return {
    name: pair.name,
    entity_type: pair.entityType,
    source: pair.config.source.description,
    target: pair.config.target.description,
    every_ms: pair.everyMs ?? null,
    grace_ms: pair.graceMs,
    owner: pair.config.owner ?? null,
  }
}

/** @param key of a pair with hashed ids, the hash */
export function entityOf(pair: Pair, key: string): EntityRef {
  return { type: pair.entityType, id: key }
}
