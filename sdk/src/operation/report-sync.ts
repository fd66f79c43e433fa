import {
  type EntityRef,
  entityKey,
  type Fingerprints,
  type Outcome,
  type WriteAction,
} from '@syncproof/core/contract'
import { elapsedUs, type Moment, now } from '../clock.ts'
import { jsonOf, labelJson, TextMap } from '../report/text-map.ts'
import { fieldNames, isText, memberOf } from './member.ts'
import type { Operation } from './operation.ts'
import type { Attempt } from './sync-ledger.ts'

/** What is sent to an external system. */
export interface SyncInput {
  readonly system: string
  readonly entity: EntityRef
  readonly action: WriteAction
  readonly payload: unknown
  /** The payload went over the wire: it was read from JSON, so it is a copy of whatever record it carries. */
  readonly isCopy?: boolean | undefined
  /** Where it is sent, so that two payloads that cannot be read are not taken for the same one. */
  readonly target?: string | undefined
  /** Where the app counts by itself. */
  readonly attempt?: number | undefined
  readonly idempotencyKey?: string | undefined
  /** Value of a key that the external system should hold once; sent as a fingerprint. */
  readonly uniqueKey?: unknown
  /** The operation whose write it carries. Default: what the wrapper declares. */
  readonly onBehalfOf?: string | undefined
  /** Default: now. */
  readonly sentAt?: Moment | undefined
}

/** What came back. */
export interface SyncAnswer {
  readonly outcome: Outcome
  readonly status?: number | undefined
  readonly externalId?: string | undefined
  readonly externalVersion?: string | undefined
  /** Revisions of the system are ordered, and `externalVersion` is a decimal text. */
  readonly externalOrdered?: boolean | undefined
  /** Where only the request told it. */
  readonly idempotencyKey?: string | undefined
  /** Where only the request told it. */
  readonly uniqueKey?: unknown
}

/** A sync that was sent. */
export interface SentSync {
  readonly fields: Fingerprints
  /** Makes the event; once.
   *  @param repeated how often it was sent again, under the same roof, after the first time */
  answered(answer: SyncAnswer, repeated?: number): void
}

/** Notes that a sync is sent: its payload is read now, because the app may change it later. The one way in
 *  which marks and adapters make `sync` events. */
export function beginSync(operation: Operation, input: SyncInput): SentSync {
  const { system, entity } = input
  const fields = operation.readFields(entity, input.payload)
  const version = carriedVersion(operation, input, fields)
  const target = input.target === undefined ? '' : `${input.target.length}:${input.target}`
  const attempt = operation.syncs.begin(
    `${labelJson(system)}${labelJson(input.action)}${jsonOf(fields)}${target}\n${entityKey(entity)}`,
  )
  const keyed =
    input.idempotencyKey === undefined ? undefined : beginWithKey(operation, system, input.idempotencyKey)
  const counted = Math.max(attempt.number, keyed?.number ?? 0)
  // the app knows of attempts that nobody saw here: they may have been left without an answer
  const hasUnseen = (input.attempt ?? 1) > counted
  const sentAt = input.sentAt ?? now()
  return {
    fields,
    answered(answer, repeated = 0) {
      const durationUs = elapsedUs(sentAt)
      const isUnknown = answer.outcome === 'unknown'
      // both are told, whatever the first one says
      const isDoubted = attempt.answered(isUnknown)
      const isKeyDoubted = keyed?.answered(isUnknown)
      operation.produce('sync', sentAt, {
        system,
        entity,
        action: input.action,
        version,
        fields,
        // the definite answer is to this attempt alone
        outcome:
          answer.outcome === 'rejected' && (isDoubted || isKeyDoubted || hasUnseen)
            ? 'unknown'
            : answer.outcome,
        external_id: storable(answer.externalId),
        external_version: storable(answer.externalVersion),
        external_ordered: answer.externalOrdered || undefined,
        unique_key: operation.sampledOut
          ? undefined
          : operation.instruments.reader.uniqueKey(system, entity.type, input.uniqueKey ?? answer.uniqueKey),
        status: answer.status,
        attempt: input.attempt ?? counted + repeated,
        idempotency_key: storable(input.idempotencyKey ?? answer.idempotencyKey),
        on_behalf_of: input.onBehalfOf ?? operation.declared.onBehalfOf,
        duration_us: durationUs,
      })
    },
  }
}

/** An attempt of whatever is sent to the system with this key. */
export function beginWithKey({ instruments }: Operation, system: string, idempotencyKey: string): Attempt {
  return instruments.keyedSyncs.begin(JSON.stringify([system, idempotencyKey]))
}

function carriedVersion(operation: Operation, input: SyncInput, fields: Fingerprints): string | undefined {
  const { carried } = operation
  if (!input.isCopy) return carried.ofObject(input.payload, fields)
  return carried.ofCopy(fields, datesOf(operation, input))
}

// what JSON makes of a Date
const JSON_DATE = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/

function datesOf(operation: Operation, { entity, payload }: SyncInput): Fingerprints {
  const dates = new TextMap()
  for (const field of fieldNames(payload)) {
    const value = memberOf(payload, field)
    if (typeof value !== 'string' || !JSON_DATE.test(value)) continue
    const kept = operation.readerOf(entity).field(field, new Date(value))
    if (kept) dates[field] = kept.fingerprint
  }
  return dates
}

function storable(text: string | undefined): string | undefined {
  return isText(text) ? text : undefined
}
