import { type EntityRef, formatToken, limits } from '@syncproof/core/contract'
import { elapsedUs } from '../clock.ts'
import { guarded } from '../operation/guarded.ts'
import { readMember } from '../operation/outcome.ts'
import {
  type Call,
  type Exchange,
  guardLater,
  markAround,
  placeOfId,
  recordIn,
  toldEntity,
  whenKnown,
} from './exchange.ts'
import { headerOf, versionOf } from './http-answer.ts'
import { readJson } from './json-body.ts'

const GONE: readonly unknown[] = [404, 410]

/** A record is asked for: a `read` of it, in the mark's place where one is around it. Only where it is known
 *  which record: a listing, or the page of another record, says nothing of this one. */
export function beginGet(exchange: Exchange): Call | undefined {
  const { context, dispatches } = exchange
  const { operation } = context
  const mark = markAround(exchange, 'read')
  const entity = mark?.scope.entity ?? entityOf(exchange)
  if (!entity) return undefined
  return {
    dispatches,
    settled(result) {
      const status = result.ok ? readMember(result.value, 'status') : undefined
      const isGone = GONE.includes(status)
      if (!result.ok || (status !== 200 && !isGone)) return
      const durationUs = elapsedUs(exchange.sentAt)
      const response: unknown = result.value
      guarded(context, () => {
        if (mark) mark.scope.reported += 1
        const header = (name: string) => headerOf(response, name)
        const body =
          isGone || typeof response !== 'object' || response === null ? undefined : readJson(response, header)
        operation.inFlight += 1
        const done = whenKnown(body, (read) => {
          operation.inFlight -= 1
          const record = recordIn(exchange, read)
          // no JSON record was brought: nothing is known of it
          if (isGone || mark || isRecord(record))
            produceRead(exchange, entity, { found: !isGone, record, reply: read, header, durationUs })
        })
        guardLater(context, done)
      })
    },
  }
}

function entityOf(exchange: Exchange): EntityRef | undefined {
  const told = toldEntity(exchange, undefined)
  if (told !== undefined) return told === 'none' ? undefined : told
  const { entity } = exchange.context.operation
  return placeOfId(exchange, entity.id) === 'end' ? entity : undefined
}

interface Found {
  readonly found: boolean
  readonly record: unknown
  readonly reply: unknown
  readonly header: (name: string) => string | undefined
  readonly durationUs: number
}

function produceRead({ context, options, sentAt }: Exchange, entity: EntityRef, found: Found): void {
  const { operation } = context
  operation.produce('read', sentAt, {
    system: options.system,
    entity,
    found: found.found,
    version: found.found ? tokenOf(options, entity, found) : undefined,
    fields: operation.readFields(entity, found.record),
    duration_us: found.durationUs,
  })
}

function tokenOf(
  options: Exchange['options'],
  entity: EntityRef,
  { header, reply }: Found,
): string | undefined {
  const { externalVersion, externalOrdered } = versionOf(header, reply, options.contract)
  if (externalVersion === undefined) return undefined
  const token = formatToken({
    kind: externalOrdered ? 'revision' : 'etag',
    database: options.system,
    table: entity.type,
    key: entity.id,
    value: externalVersion,
  })
  return token.length <= limits.stringLengthMax ? token : undefined
}

function isRecord(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
