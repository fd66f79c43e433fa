import {
  entityKey,
  type Fingerprints,
  formatToken,
  type Guard,
  type Outcome,
  type WriteAction,
} from '@syncproof/core/contract'
import { elapsedUs } from './clock.ts'
import { type EntityInput, readOperationId } from './entity.ts'
import { classifyAssignments } from './operation/assignment.ts'
import { currentContext, type MarkScope } from './operation/context.ts'
import { describeSection } from './operation/describe-section.ts'
import { attempt } from './operation/guarded.ts'
import { checkInvariants, type WrittenRecord } from './operation/invariants.ts'
import { ANYTHING } from './operation/knowledge.ts'
import type { Operation } from './operation/operation.ts'
import {
  type OutcomeRules,
  outcomeOfDatabaseError,
  outcomeOfSyncError,
  outcomeOfSyncResult,
  outcomeOfWriteResult,
  readMember,
} from './operation/outcome.ts'
import { entityRowId } from './operation/row-identity.ts'
import { type Mark, runMark } from './operation/run-mark.ts'
import { witnessOf } from './operation/witness.ts'

/** A declared version of a row, such as the value of its column `version`. */
type DeclaredVersion = string | number | bigint | null | undefined

interface MarkOptions {
  /** Where it is not the operation's. */
  readonly entity?: EntityInput | undefined
}

export interface ReadOptions<T> extends MarkOptions {
  /** The row's version, where the app keeps one: `(row) => row.version`. */
  readonly version?: ((row: NonNullable<Awaited<T>>) => DeclaredVersion) | undefined
}

export interface WriteOptions<R> extends MarkOptions {
  /** The version that the written record has, where the app keeps one. */
  readonly version?: ((record: R) => DeclaredVersion) | undefined
  /** What keeps other writers off between the read and this write. Default: what the PostgreSQL helper saw,
   *  else `none`. */
  readonly guard?: Guard | undefined
  /** Fields that are counted up or down from what was read. */
  readonly counter?: readonly string[] | undefined
  /** Fields where the last writer is meant to win. A timestamp that is made during the operation is one. */
  readonly lastWriteWins?: readonly string[] | undefined
  /** Default: what the PostgreSQL helper did, else `update`. */
  readonly action?: WriteAction | undefined
  /** Whether this error means that the write was surely not applied. Default: by its SQLSTATE. */
  readonly rejected?: ((error: unknown) => boolean) | undefined
}

export interface SyncOptions<T = unknown> extends MarkOptions {
  /** The id of the operation whose write this carries, where an outbox or another process sends it: what
   *  `operationId` gave there. Default: what the wrapper declares. */
  readonly onBehalfOf?: string | undefined
  /** Default: `update`. */
  readonly action?: WriteAction | undefined
  /** 1 for the first try. Default: counted for the same payload within the operation. */
  readonly attempt?: number | undefined
  readonly idempotencyKey?: string | undefined
  /** The value of a key that the system should hold once, such as an email address: two creates with one key are found
   *  out. Sent as a fingerprint. */
  readonly uniqueKey?: unknown
  /** Whether this error means that the sync was surely not applied. Default: by its HTTP status. */
  readonly rejected?: ((error: unknown) => boolean) | undefined
  /** What statuses and error codes of this system mean, where it is other than HTTP's own rules. */
  readonly contract?: OutcomeRules | undefined
  /** The record's id in that system, where the result tells it. */
  readonly externalId?: ((result: Awaited<T>) => string | number | null | undefined) | undefined
}

/** See `Syncproof.read`. */
export function read<T>(system: string, callback: () => T, options: ReadOptions<T>): T {
  return runMark({ kind: 'read', system, options }, callback, (mark, result) => {
    if (!result.ok) return
    const row = rowOf(result.value)
    const { operation, scope } = mark.context
    const fields = operation.readFields(scope.entity, row)
    const version = row && declaredVersion(scope, options.version, row as NonNullable<Awaited<T>>)
    operation.knowledge.learn(entityRowId(mark.context, scope.entity), {
      operationId: operation.id,
      sentOrder: mark.sentOrder,
      entityKey: entityKey(scope.entity),
      version,
      fields: row && fields,
      sections: mark.context.sections,
    })
    if (version !== undefined) operation.carry(row, { version, fields })
    operation.produce('read', mark.sentAt, {
      system,
      entity: scope.entity,
      found: row !== undefined,
      version,
      fields,
      duration_us: elapsedUs(mark.sentAt),
    })
  })
}

/** See `Syncproof.write`. */
export function write<T, R>(system: string, record: R, callback: () => T, options: WriteOptions<R>): T {
  return runMark({ kind: 'write', system, options, record }, callback, (mark, result) => {
    const { operation, scope } = mark.context
    const rowId = entityRowId(mark.context, scope.entity)
    const known = operation.knowledge.known(rowId, mark.sentOrder, operation.id)
    const outcome = result.ok
      ? outcomeOfWriteResult(result.value)
      : asks(options.rejected, result.error)
        ? 'rejected'
        : outcomeOfDatabaseError(result.error)
    const fields = operation.readFields(scope.entity, record)
    const version = declaredVersion(scope, options.version, record)
    operation.produce('write', mark.sentAt, {
      system,
      entity: scope.entity,
      action: options.action ?? 'update',
      base_version: known.base?.version,
      known_versions: known.versions,
      known_incomplete: known.incomplete || undefined,
      version,
      assigned: classifyAssignments({
        operation,
        entity: scope.entity,
        data: record,
        counter: scope.counter,
        lastWriteWins: scope.lastWriteWins,
        after: undefined,
        base: known.base?.fields,
      }),
      fields,
      base_fields: known.base?.fields,
      guard: options.guard ?? 'none',
      section: describeSection(mark.context, scope.entity, known.base),
      outcome,
      duration_us: elapsedUs(mark.sentAt),
    })
    for (const section of mark.context.sections ?? []) section.sawWrite(scope.entity, outcome)
    if (options.action !== 'delete')
      holdInvariants(operation, { entity: scope.entity, system, record }, outcome)
    if (outcome !== 'rejected') learnOwnWrite(mark, rowId, outcome === 'ok', version, fields)
    if (outcome === 'ok' && version !== undefined) operation.carry(record, { version, fields })
  })
}

/** The version that the database gave to the row is not known here: later writes of the same entity that see
 *  tokens must not take it for somebody else's. */
function learnOwnWrite(
  mark: Mark,
  rowId: string,
  applied: boolean,
  version: string | undefined,
  fields: Fingerprints,
): void {
  const { operation, scope } = mark.context
  operation.knowledge.loseTrack(rowId)
  // nor which rows its triggers wrote
  operation.knowledge.touchedBlindly(ANYTHING)
  if (!applied) return
  operation.knowledge.learn(rowId, {
    operationId: operation.id,
    sentOrder: mark.sentOrder,
    entityKey: entityKey(scope.entity),
    version,
    fields,
    sections: mark.context.sections,
  })
}

/** Whether a transaction around the write is committed is not seen from here: what it broke is said when the
 *  outermost call has succeeded. */
function holdInvariants(operation: Operation, written: Omit<WrittenRecord, 'isRow'>, outcome: Outcome): void {
  if (outcome !== 'ok') return
  const settle = checkInvariants(operation, { ...written, isRow: false })
  if (settle) operation.root.whenFinished(settle)
}

/** See `Syncproof.sync`. */
export function sync<T>(system: string, payload: unknown, callback: () => T, options: SyncOptions<T>): T {
  const action = options.action ?? 'update'
  const { attempt, idempotencyKey, uniqueKey } = options
  const onBehalfOf = readOperationId(options.onBehalfOf)
  const sent = { action, payload, attempt, idempotencyKey, uniqueKey, onBehalfOf }
  const operation = currentContext()?.operation
  // around the mark: what the check refuses was sent all the same
  if (operation?.declared.contract)
    return operation.declared.contract.response(system, mark, witnessOf(operation))
  return mark()

  function mark(): T {
    return runMark({ kind: 'sync', system, options, sync: sent }, callback, (mark, result) => {
      const { requests } = mark.context.scope
      const isDeclared = !result.ok && asks(options.rejected, result.error)
      const { outcome, status } = result.ok
        ? outcomeOfSyncResult(result.value, action, options.contract)
        : outcomeOfSyncError(result.error, action, options.contract)
      const own = {
        resolved: result.ok,
        isDeclared,
        status,
        outcome: isDeclared ? ('rejected' as const) : outcome,
        externalId: result.ok ? externalIdIn(options, result.value) : undefined,
      }
      mark.sync?.answered(requests?.answer(own) ?? own, requests?.retries)
    })
  }
}

function externalIdIn<T>({ externalId }: SyncOptions<T>, result: Awaited<T>): string | undefined {
  return attempt(() => {
    const id = externalId?.(result)
    return id === undefined || id === null ? undefined : String(id)
  })
}

function declaredVersion<R>(
  scope: MarkScope,
  version: ((record: R) => DeclaredVersion) | undefined,
  record: R,
): string | undefined {
  if (!version) return undefined
  return attempt(() => {
    const value = version(record)
    if (value === undefined || value === null || value === '') return undefined
    const { type, id } = scope.entity
    return formatToken({
      kind: 'declared',
      database: scope.system,
      table: type,
      key: id,
      value: String(value),
    })
  })
}

/** The row that a read brought: node-postgres's result, a list of one, or the value itself. */
function rowOf(value: unknown): object | undefined {
  const rows = readMember(value, 'rowCount') === undefined ? value : (readMember(value, 'rows') ?? value)
  // of a proxy that was revoked, isArray throws too
  const row: unknown = attempt(() => (Array.isArray(rows) ? rows[0] : rows))
  return typeof row === 'object' && row !== null ? row : undefined
}

function asks(rejected: ((error: unknown) => boolean) | undefined, error: unknown): boolean {
  return attempt(() => rejected?.(error)) === true
}
