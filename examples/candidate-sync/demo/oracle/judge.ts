import type { AppReply, AtsRequest, ClientRequest, Evidence, HistoryRow, Row } from './evidence.ts'

type HappeningKind =
  | 'lost-update'
  | 'write-conflict'
  | 'partial-write'
  | 'unknown-outcome'
  | 'unguarded-read-modify-write'

/** Something that went wrong, named by the version of the row that the request wrote. */
export interface Happening {
  readonly kind: HappeningKind
  readonly candidateId: string
  /** Of the transaction that wrote the version. */
  readonly xid: string
  /** The fields that were lost; empty for every other kind. */
  readonly fields: readonly string[]
  readonly requestId: string
}

/** The evidence contradicts itself: the oracle is wrong, and says nothing. */
class OracleError extends Error {
  override name = 'OracleError'
}

/** Decides from the evidence what really happened, with the definitions of the product and by values.
 *  @throws OracleError where a row version names no request, or a request wrote more than once */
export function judge(evidence: Evidence): readonly Happening[] {
  const requests = new Map(evidence.requests.map((request) => [request.id, request]))
  const attempts = Map.groupBy(evidence.atsRequests, (attempt) => attempt.requestId)
  const versions = new Map(
    evidence.history.map((row) => [versionKey(row.candidateId, row.new.revision), row.new]),
  )
  const happenings: Happening[] = []
  const written = new Set<string>()
  for (const row of evidence.history) {
    if (!row.old) continue
    const request = requestOf(row, requests, written)
    const happened = (kind: HappeningKind, fields: readonly string[] = []) =>
      happenings.push({ kind, candidateId: row.candidateId, xid: row.xid, fields, requestId: request.id })
    if (isForeign(row, row.old)) {
      const base = versions.get(versionKey(row.candidateId, row.baseRevision))
      if (!base) throw new OracleError(`${request.id} read a revision of ${row.candidateId} that never was`)
      const lost = lostFields(base, row.old, row.new, request)
      happened(lost.length > 0 ? 'lost-update' : 'write-conflict', lost)
    }
    const sync = syncOutcome(request.reply, attempts.get(request.id) ?? [])
    if (sync === 'rejected' && changesAnything(row.old, row.new)) happened('partial-write')
    if (sync === 'unknown') happened('unknown-outcome')
  }
  return [...happenings, ...unguarded(evidence.history)]
}

/** A write that brings back what its function had read, with nothing that keeps other writers out in between: one
 *  such write shows that the function can lose updates, whether or not another came between. The app locks nothing
 *  and opens no transaction, so a guard could only be a condition on the revision. One hazard of the function,
 *  however often it wrote. */
function unguarded(history: readonly HistoryRow[]): readonly Happening[] {
  const first = history.find((row) => row.old !== null && row.baseRevision !== null && !row.guarded)
  if (!first) return []
  const { candidateId, xid } = first
  const requestId = String(first.new.updatedBy)
  return [{ kind: 'unguarded-read-modify-write', candidateId, xid, fields: [], requestId }]
}

function requestOf(
  row: HistoryRow,
  requests: ReadonlyMap<string, ClientRequest>,
  written: Set<string>,
): ClientRequest {
  const id = String(row.new.updatedBy)
  const request = requests.get(id)
  if (request?.candidateId !== row.candidateId)
    throw new OracleError(`a version of ${row.candidateId} was written by '${id}', which no client sent`)
  if (written.has(id)) throw new OracleError(`${id} wrote twice`)
  written.add(id)
  return request
}

function isForeign(row: HistoryRow, old: Row): boolean {
  return String(old.revision) !== row.baseRevision
}

/** `id` never changes, `updatedAt` belongs to whoever writes last, `revision` to the database. */
const NEVER_LOST = new Set(['id', 'updatedAt', 'revision'])

/** The fields that someone else had changed since the base was read, and that this write set to something else than
 *  they were: back to the base (reverted) or to a third value (derived). Not those that its caller asked for. */
function lostFields(base: Row, old: Row, now: Row, request: ClientRequest): readonly string[] {
  const supplied = new Set([request.candidateId, ...Object.values(request.body)])
  return Object.keys(now)
    .filter((field) => !NEVER_LOST.has(field) && !supplied.has(now[field]))
    .filter((field) => old[field] !== base[field] && now[field] !== old[field])
    .sort()
}

/** Who touched a row and when is not what the row says: a refusal of the same values splits nothing. */
function changesAnything(old: Row, now: Row): boolean {
  return Object.keys(now).some(
    (field) => !NEVER_LOST.has(field) && field !== 'updatedBy' && now[field] !== old[field],
  )
}

/** Answers that mean "perhaps later" or "perhaps already": the write may have been applied. */
const UNDECIDED_STATUSES = new Set([202, 408, 409, 425, 429])

function syncOutcome(reply: AppReply, attempts: readonly AtsRequest[]): 'ok' | 'rejected' | 'unknown' {
  const applied = attempts.some(({ atsStatus }) => atsStatus !== null && atsStatus < 400)
  switch (reply.kind) {
    case 'ok':
      if (!applied) throw new OracleError('the app said ok to a request that never reached the ATS')
      return 'ok'
    case 'ats-failed': {
      const rejected =
        isRejection(reply.atsStatus) && attempts.every((attempt) => isRejection(attempt.answeredStatus))
      if (rejected && applied) throw new OracleError('the ATS applied what the app was told it rejected')
      return rejected ? 'rejected' : 'unknown'
    }
    case 'error':
      throw new OracleError(`the app failed with status ${reply.status} after it had written`)
  }
}

function isRejection(status: number | null): boolean {
  return status !== null && status >= 400 && status < 500 && !UNDECIDED_STATUSES.has(status)
}

function versionKey(candidateId: string, revision: unknown): string {
  return `${candidateId} ${String(revision)}`
}
