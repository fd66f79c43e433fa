import { type Finding, parseToken, type WriteEvent } from '@syncproof/core/contract'
import type { ClientRequest, HistoryRow } from './oracle/evidence.ts'
import type { Happening } from './oracle/judge.ts'
import type { Found } from './score.ts'
import type { Screen } from './screen.ts'

/** A lost update that was found, with the two writes that made it. */
interface Loss {
  readonly finding: Finding
  readonly field: string
  readonly requestId: string
  /** The version that lost the field. */
  readonly write: HistoryRow
  /** The version that had changed it. */
  readonly lost: HistoryRow
}

/** Tells one lost update in full: what happened, from the database's own history, and what proves it.
 *  @returns the candidate that it is about; undefined where there is none to tell of */
export function explainLostUpdate(
  screen: Screen,
  happenings: readonly Happening[],
  found: readonly Found[],
  history: readonly HistoryRow[],
  requests: readonly ClientRequest[],
): string | undefined {
  const silent = new Set(requests.filter(({ reply }) => reply.kind === 'ok').map(({ id }) => id))
  const losses = happenings.flatMap((happening) => lossOf(happening, found, history) ?? [])
  // both callers were told that all is well: the bug at its purest
  const loss = losses.find((one) => silent.has(one.requestId) && silent.has(String(one.lost.new.updatedBy)))
  if (loss) tell(screen, loss)
  return loss?.write.candidateId
}

function lossOf(
  { kind, candidateId, xid, fields, requestId }: Happening,
  found: readonly Found[],
  history: readonly HistoryRow[],
): Loss | undefined {
  const field = fields[0]
  if (kind !== 'lost-update' || field === undefined) return undefined
  const match = found.find(
    (one) => one.finding.kind === kind && one.finding.entity?.id === candidateId && one.xid === xid,
  )
  const versions = history.filter((row) => row.candidateId === candidateId)
  const at = versions.findIndex((row) => row.xid === xid)
  const lost = versions
    .slice(0, Math.max(at, 0))
    .findLast((row) => row.old && row.old[field] !== row.new[field])
  const write = versions[at]
  return match && write && lost ? { finding: match.finding, field, requestId, write, lost } : undefined
}

function tell(screen: Screen, { finding, field, requestId, write, lost }: Loss): void {
  screen.heading(`One of them in full: the ${field} of ${write.candidateId}`)
  const steps = [
    `${requestId} reads ${write.candidateId} at revision ${write.baseRevision}.`,
    `${lost.new.updatedBy} stores ${field} ${quote(lost.new[field])}, revision ${lost.new.revision}. Its caller is told: ok.`,
    `${requestId} writes back every field that it had read, revision ${write.new.revision}: ${field} is ${quote(write.new[field])} again. Its caller is told: ok.`,
  ]
  for (const [index, step] of steps.entries()) screen.say(`  ${index + 1}. ${step}`, 5)
  screen.blank()
  screen.say(`Finding ${finding.id}: ${finding.kind}, ${finding.verdict}. One event of that write proves it:`)
  const event = finding.witness.events.find((one): one is WriteEvent & typeof one => one.kind === 'write')
  if (event) screen.pairs(proof(event, field))
  screen.say('Of fields Syncproof knows keyed fingerprints: no value has left the app.')
}

function proof(event: WriteEvent, field: string): readonly (readonly [string, string])[] {
  const known = event.known_versions.map(tokenValue).join(', ')
  return [
    ['it knew', `version ${known}`],
    ['it overwrote', `version ${tokenValue(event.overwritten_version)}, which is not one of them`],
    [`${field} as read`, short(event.base_fields?.[field])],
    [`${field} as overwritten`, short(event.overwritten_fields?.[field])],
    [`${field} as written`, short(event.fields[field])],
  ]
}

function tokenValue(token: string | undefined): string {
  return (token && parseToken(token)?.value) ?? 'unknown'
}

function short(fingerprint: string | undefined): string {
  return fingerprint?.slice(fingerprint.lastIndexOf('.') + 1) ?? 'unknown'
}

function quote(value: unknown): string {
  return typeof value === 'string' ? `“${value}”` : String(value)
}
