import { type EntityRef, entityKey, type Guard, limits, NO_ROW, type Outcome } from '@syncproof/core/contract'
import type { Moment } from '../clock.ts'
import type { Members } from '../report/reporter.ts'
import { presentedRead, presentedWrite, typeOfRows, withAdapter } from './adapter-scope.ts'
import { classifyAssignments } from './assignment.ts'
import { askForMarks, type Context } from './context.ts'
import { describeSection } from './describe-section.ts'
import type { ReadEvidence, RowState, WriteEvidence } from './evidence.ts'
import { guarded } from './guarded.ts'
import { checkInvariants } from './invariants.ts'
import { ANYTHING, type Known, type Lesson } from './knowledge.ts'
import type { Operation } from './operation.ts'
import { entityOf, entityRowId, rowBefore, rowBeforeState, rowIdOf, tokenOf } from './row-identity.ts'

askForMarks()

/** Rows that one mark reports one by one. */
const ROWS_PER_MARK_MAX = 100

/** Takes what a helper saw of a read: into what the root knows, and with a mark around it into an event.
 *  Never throws. */
export function reportRead(given: Context, seen: ReadEvidence): void {
  guarded(given, () => {
    const evidence = presentedRead(seen)
    const context = withAdapter(given, 'read', evidence, evidence.found?.row)
    const { operation, scope } = context
    const entity = entityOf(context, evidence.found?.row, true, typeOfRows(operation, evidence))
    const fields = evidence.found ? operation.readFields(entity, evidence.found.record) : {}
    const version = tokenOf(evidence.found)
    learn(context, entity, evidence, evidence.found, { version, fields, lock: evidence.lock?.mode })
    for (const section of context.sections ?? []) section.sawRead(entity, evidence)
    if (version !== undefined) operation.carry(evidence.found?.record, { version, fields })
    if (!takesRow(context) || !scope) return
    operation.produce('read', evidence.sentAt, {
      system: scope.system,
      entity,
      found: evidence.found !== undefined,
      version,
      fields,
      transaction: transactionId(evidence),
      lock: evidence.lock,
      duration_us: evidence.durationUs,
    })
  })
}

/** Takes what a helper saw of a write. Inside a transaction the event waits for its end. Never throws. */
export function reportWrite(given: Context, seen: WriteEvidence): void {
  guarded(given, () => {
    const evidence = presentedWrite(seen)
    const context = withAdapter(given, 'write', evidence, evidence.after?.row ?? rowBefore(evidence))
    const { operation } = context
    const entity = entityOf(
      context,
      evidence.after?.row ?? rowBefore(evidence),
      false,
      typeOfRows(operation, evidence),
    )
    const draft = writeDraft(context, entity, evidence)
    learnFromWrite(context, entity, evidence, draft)
    for (const section of context.sections ?? []) section.sawWrite(entity, evidence.outcome)
    const settle = settleInvariants(context, draft, evidence)
    const emits = takesRow(context)
    const { transaction } = evidence
    if (typeof transaction !== 'object' || evidence.outcome !== 'ok') {
      if (emits) operation.produce('write', evidence.sentAt, draft)
      settle?.(evidence.transaction === undefined ? 'unknown' : evidence.outcome)
      return
    }
    operation.inFlight += 1
    transaction.onEnd((outcome) => {
      operation.inFlight -= 1
      guarded(context, () => {
        if (outcome !== 'ok') forgetFields(context, entity, evidence, outcome === 'rejected')
        if (emits) operation.produce('write', evidence.sentAt, { ...draft, outcome })
        settle?.(outcome)
      })
    })
  })
}

/** @returns whether the mark reports one more row */
function takesRow({ operation, scope }: Context): boolean {
  if (!scope || scope.kind === 'sync') return false
  scope.reported += 1
  if (scope.reported <= ROWS_PER_MARK_MAX) return true
  operation.instruments.warn(
    'rows_over_limit',
    `a ${scope.kind} of '${scope.system}', and maybe others, is of more than ${ROWS_PER_MARK_MAX} rows: those beyond are known to the operation and not reported`,
  )
  return false
}

export interface TransactionEnd {
  readonly transaction: string
  readonly startedAt: Moment
  readonly isolation: string
  readonly outcome: Outcome
  readonly durationUs: number
}

/** A transaction in which this operation did something has ended. Never throws. */
export function reportTransaction(operation: Operation, end: TransactionEnd): void {
  guarded({ operation }, () =>
    operation.produce('transaction_finished', end.startedAt, {
      transaction: end.transaction,
      isolation: end.isolation,
      outcome: end.outcome,
      duration_us: end.durationUs,
    }),
  )
}

function writeDraft(context: Context, entity: EntityRef, evidence: WriteEvidence): WriteDraft {
  const { operation, scope } = context
  const known = knownBefore(context, entity, evidence)
  const base = known.base?.entityKey === entityKey(entity) ? known.base : undefined
  const fields = operation.readFields(entity, evidence.after?.record ?? intended(evidence))
  const before = rowBeforeState(evidence)
  const overwritten = evidence.before === 'none' ? NO_ROW : tokenOf(before)
  const isOwn = before?.xmin !== undefined && isOwnTransaction(operation, before, evidence)
  const known_versions =
    isOwn && overwritten !== undefined ? [...new Set([...known.versions, overwritten])] : known.versions
  return {
    system: scope?.system ?? '',
    entity,
    action: evidence.action,
    base_version: base?.version,
    known_versions: known_versions.slice(-limits.knownVersionsMax),
    known_incomplete:
      known.incomplete ||
      known_versions.length > limits.knownVersionsMax ||
      operation.hasWriteUnderWay(evidence.target) ||
      undefined,
    overwritten_version: overwritten,
    overwritten_by_self: evidence.overwrittenBySelf,
    version: tokenOf(evidence.after),
    assigned: classifyAssignments({
      operation,
      entity,
      data: evidence.data,
      expressions: evidence.expressions,
      counter: scope?.counter ?? operation.declaredFields('counter', entity),
      lastWriteWins: scope?.lastWriteWins ?? operation.declaredFields('lastWriteWins', entity),
      after: evidence.after && { record: evidence.after.record, fields },
      base: base?.fields,
    }),
    fields,
    base_fields: base?.fields,
    overwritten_fields: before && operation.readFields(entity, before.record),
    guard: scope?.guard ?? evidence.guard ?? guardOf(evidence, known.base),
    section: describeSection(context, entity, base),
    transaction: transactionId(evidence),
    outcome: evidence.outcome,
    duration_us: evidence.durationUs,
    rows_over_limit: evidence.rowsOverLimit,
  }
}

/** Asks the invariants of the row that a write left behind, or, where that is not known, of what the app says
 *  that it writes. @returns to be told what became of the write */
function settleInvariants(context: Context, draft: WriteDraft, evidence: WriteEvidence) {
  if (evidence.action === 'delete' || evidence.outcome !== 'ok') return undefined
  const { entity, system } = draft
  const record = evidence.after?.record ?? context.scope?.record ?? evidence.data
  return checkInvariants(context.operation, { entity, system, record, isRow: evidence.after !== undefined })
}

/** What a write that was refused should have made of the row: so that it can be told from what another system took. */
function intended(evidence: WriteEvidence): unknown {
  return evidence.outcome === 'rejected' ? evidence.data : undefined
}

type WriteDraft = Members<'write'>

function learnFromWrite(
  context: Context,
  entity: EntityRef,
  evidence: WriteEvidence,
  { version, fields }: WriteDraft,
): void {
  const { operation, scope } = context
  const { knowledge } = operation
  if (evidence.outcome === 'unknown') {
    loseTrack(context, entity, evidence)
    return
  }
  const { database } = evidence.after?.row ?? rowBefore(evidence) ?? {}
  if (database !== undefined) {
    for (const id of evidence.transactionIds) knowledge.ownTransaction(`${database}/${id}`, operation.id)
  }
  // a trigger that runs afterwards may write other rows, in a block whose transaction id nobody tells
  if (evidence.mayHideVersion) knowledge.touchedBlindly(ANYTHING)
  if (evidence.outcome !== 'ok') return
  if (!evidence.after) {
    forgetFields(context, entity, evidence)
    return
  }
  // an own write locks the row until its transaction ends
  learn(context, entity, evidence, evidence.after, {
    version,
    fields,
    mayHideVersion: evidence.mayHideVersion,
    lock: 'FOR NO KEY UPDATE',
  })
  if (version === undefined) {
    loseTrack(context, entity, evidence)
    return
  }
  operation.carry(evidence.after.record, { version, fields })
  if (scope?.kind === 'write') operation.carry(scope.record, { version, fields })
}

/** @param undone surely */
function forgetFields(context: Context, entity: EntityRef, evidence: WriteEvidence, undone = false): void {
  const { operation } = context
  const row = rowIdOf(evidence.after) ?? rowIdOf(rowBeforeState(evidence))
  const version = undone && evidence.isSilent ? tokenOf(evidence.after) : undefined
  for (const id of [row, entityRowId(context, entity)]) {
    if (id !== undefined) operation.knowledge.forgetFields(id, operation.id, entityKey(entity), version)
  }
}

function loseTrack(context: Context, entity: EntityRef, evidence: WriteEvidence): void {
  const { knowledge } = context.operation
  knowledge.loseTrack(evidence.target)
  knowledge.loseTrack(entityRowId(context, entity))
}

/** What was known of the row when the statement was sent, with the doubts that were recorded under its other names. */
function knownBefore(context: Context, entity: EntityRef, evidence: WriteEvidence): Known {
  const { operation } = context
  const table = evidence.adapter?.table
  const ask = (id: string) => operation.knowledge.known(id, evidence.sentOrder, operation.id, table)
  const row = rowIdOf(evidence.after) ?? rowIdOf(rowBeforeState(evidence))
  const byEntity = ask(entityRowId(context, entity))
  const byRow = row === undefined ? byEntity : ask(row)
  return {
    ...byRow,
    // what was read last came without a token: nothing is known of the version that it was
    base: byEntity.blind ? undefined : byRow.base,
    incomplete:
      byEntity.blind ||
      byRow.incomplete ||
      byEntity.incomplete ||
      operation.knowledge.isUnanswered(evidence.target),
  }
}

function learn(
  context: Context,
  entity: EntityRef,
  evidence: ReadEvidence | WriteEvidence,
  state: RowState | undefined,
  learned: Pick<Lesson, 'version' | 'fields' | 'lock' | 'mayHideVersion'>,
): void {
  const { operation } = context
  if (!state) return
  const lesson: Lesson = {
    operationId: operation.id,
    sentOrder: evidence.sentOrder,
    entityKey: entityKey(entity),
    transaction: transactionId(evidence),
    isolation: evidence.transaction === 'none' ? undefined : evidence.isolation,
    sections: context.sections,
    ...learned,
  }
  const row = rowIdOf(state)
  if (row !== undefined) operation.knowledge.learn(row, lesson)
  operation.knowledge.learn(entityRowId(context, entity), lesson)
}

/** What kept others off the row since the base was read. Only a base that was read in the same transaction is
 *  kept by anything. */
function guardOf(evidence: WriteEvidence, base: Lesson | undefined): Guard {
  const transaction = transactionId(evidence)
  if (!base || transaction === undefined || transaction === 'none' || base.transaction !== transaction)
    return 'none'
  if (base.lock !== undefined && WRITE_LOCKS.has(base.lock)) return 'lock'
  if (evidence.isolation === 'serializable') return 'serializable'
  return evidence.isolation === 'repeatable read' ? 'snapshot' : 'none'
}

/** Locks that another writer of the row waits for. */
const WRITE_LOCKS: ReadonlySet<string> = new Set(['FOR UPDATE', 'FOR NO KEY UPDATE'])

function isOwnTransaction(operation: Operation, before: RowState, evidence: WriteEvidence): boolean {
  const id = `${before.row?.database}/${before.xmin}`
  return operation.knowledge.isOwnTransaction(id, evidence.sentOrder, operation.id)
}

function transactionId(evidence: ReadEvidence | WriteEvidence): string | undefined {
  return typeof evidence.transaction === 'object' ? evidence.transaction.id : evidence.transaction
}
