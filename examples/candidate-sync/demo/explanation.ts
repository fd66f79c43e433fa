import { type Finding, parseToken, type WriteEvent } from '@syncproof/core/contract'
import type { HistoryRow } from './oracle/evidence.ts'
import type { Happening } from './oracle/judge.ts'
import type { Screen } from './screen.ts'

/** Tells one lost update in full: what happened, from the database's own history, and what proves it. */
export function explainLostUpdate(
  screen: Screen,
  happening: Happening,
  finding: Finding,
  history: readonly HistoryRow[],
): void {
  const { candidateId, requestId } = happening
  const field = happening.fields[0] ?? ''
  const versions = history.filter((row) => row.candidateId === candidateId)
  const write = versions.find((row) => row.xid === happening.xid)
  const lost = versions.findLast(
    (row) => row.seq < (write?.seq ?? 0) && row.old && row.old[field] !== row.new[field],
  )
  screen.heading(`One of them in full: the ${field} of ${candidateId}`)
  if (!write?.old || !lost) return
  const steps = [
    `${requestId} reads ${candidateId} at revision ${write.baseRevision}.`,
    `${lost.new.updatedBy} stores ${field} ${quote(lost.new[field])}, revision ${lost.new.revision}. Its caller is told: ok.`,
    `${requestId} writes back every field that it had read, revision ${write.new.revision}: ${field} is ${quote(write.new[field])} again. No error anywhere.`,
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
