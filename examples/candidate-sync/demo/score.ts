import { type Finding, parseToken, type StoredEvent } from '@syncproof/core/contract'
import type { Divergence } from '@syncproof/store'
import type { TrueDivergence } from './oracle/divergence.ts'
import type { Happening } from './oracle/judge.ts'

export interface Figures {
  readonly happened: number
  readonly found: number
  readonly missed: number
  readonly false: number
}

export interface Score {
  /** By kind of finding. */
  readonly findings: Readonly<Record<string, Figures>>
  readonly report: Figures & {
    readonly result: string
    readonly compared: number
    readonly indeterminate: number
  }
  /** One sentence for each thing that must not be; empty = passed. */
  readonly failures: readonly string[]
}

export interface Found {
  readonly finding: Finding
  /** `xmin` of the row version that the finding's operation wrote; undefined where no event says it. */
  readonly xid: string | undefined
}

/** Kinds of which nothing may be missed. */
const NEVER_MISSED = ['lost-update', 'partial-write'] as const
const WRITE_KINDS = ['lost-update', 'write-conflict', 'partial-write', 'unknown-outcome'] as const
const HAZARD_KINDS = ['unguarded-read-modify-write'] as const
const STATE_KINDS = ['missing-in-target', 'unexpected-in-target', 'field-mismatch'] as const

/** Sets what Syncproof found beside what happened. Both are matched by identity, never by number: a write by its
 *  candidate and the transaction that made its row version, a lost update by its fields as well, a hazard by its
 *  function, a divergence by key, kind and fields. */
export function score(
  happenings: readonly Happening[],
  divergences: readonly TrueDivergence[],
  found: readonly Found[],
  report: {
    readonly result: string | null
    readonly compared: number
    readonly divergences: readonly Divergence[]
  },
): Score {
  const findings: Record<string, Figures> = {}
  for (const kind of [...WRITE_KINDS, ...HAZARD_KINDS]) {
    findings[kind] = figures(
      happenings.filter((happening) => happening.kind === kind).map(happeningIdentity),
      found.filter(({ finding }) => finding.kind === kind).map(findingIdentity),
    )
  }
  for (const kind of STATE_KINDS) {
    // what was true for a while and is over by the end is no claim about the end
    const open = found.filter(({ finding }) => finding.kind === kind && finding.status !== 'resolved')
    findings[kind] = figures(
      divergences.filter((divergence) => divergence.kind === kind).map(({ key }) => key),
      open.map(({ finding }) => finding.entity?.id ?? ''),
    )
  }
  const named = report.divergences.filter(({ verdict }) => verdict === 'observed')
  const reportFigures = figures(divergences.map(divergenceIdentity), named.map(divergenceIdentity))
  return {
    findings,
    report: {
      result: report.result ?? 'unfinished',
      compared: report.compared,
      indeterminate: report.divergences.length - named.length,
      ...reportFigures,
    },
    failures: [...findingFailures(findings, happenings, found), ...reportFailures(reportFigures)],
  }
}

/** What is not as it happened and fails nothing, because it is not said to be proven, or may be missed: kinds with a
 *  false or a missed finding, as text for people; empty = none. */
export function remarks({ findings }: Pick<Score, 'findings'>): readonly string[] {
  return Object.entries(findings).flatMap(([kind, { missed, false: wrong }]) => [
    ...(wrong > 0 ? [`${wrong} false ${kind}`] : []),
    ...(missed > 0 ? [`${missed} missed ${kind}`] : []),
  ])
}

/** The row version that a finding's operation wrote, from the first of these events that tells. */
export function writtenXid(finding: Finding, events: readonly StoredEvent[]): string | undefined {
  for (const event of events) {
    if (event.kind !== 'write' || event.operation_id !== finding.cause.operation_id) continue
    const version = event.version === undefined ? undefined : parseToken(event.version)
    if (version?.kind === 'xmin') return version.value
  }
  return undefined
}

/** What was lost is part of the claim. */
function happeningIdentity({ kind, candidateId, xid, fields }: Happening): string {
  if (isHazard(kind)) return FUNCTION
  return `${candidateId} ${xid} ${fields.join(',')}`
}

function divergenceIdentity({ kind, key, fields }: TrueDivergence | Divergence): string {
  return `${kind} ${key} ${[...fields].sort().join(',')}`
}

/** The one function of the app that writes. */
const FUNCTION = 'syncCandidate'

function findingIdentity({ finding, xid }: Found): string {
  if (isHazard(finding.kind)) return finding.cause.operation ?? ''
  const fields = finding.kind === 'lost-update' ? [...finding.fields].sort() : []
  return `${finding.entity?.id} ${xid} ${fields.join(',')}`
}

function isHazard(kind: string): boolean {
  return HAZARD_KINDS.some((hazard) => hazard === kind)
}

/** A second finding of the same thing is a false one. */
function figures(happened: readonly string[], found: readonly string[]): Figures {
  const true_ = new Set(happened)
  const right = new Set(found.filter((identity) => true_.has(identity)))
  return {
    happened: happened.length,
    found: found.length,
    missed: happened.length - right.size,
    false: found.length - right.size,
  }
}

function findingFailures(
  findings: Readonly<Record<string, Figures>>,
  happenings: readonly Happening[],
  found: readonly Found[],
): readonly string[] {
  const failures: string[] = []
  const provenKinds = new Set(
    found.filter(({ finding }) => finding.verdict === 'proven').map(({ finding }) => finding.kind),
  )
  for (const kind of provenKinds) {
    const count = findings[kind]?.false ?? 0
    if (count === 0) continue
    const happened = new Set(happenings.filter((happening) => happening.kind === kind).map(happeningIdentity))
    const first = found.find((one) => one.finding.kind === kind && !happened.has(findingIdentity(one)))
    failures.push(`${count} proven ${kind} did not happen${first ? `, such as ${first.finding.id}` : ''}.`)
  }
  for (const kind of NEVER_MISSED) {
    const missed = findings[kind]?.missed ?? 0
    if (missed > 0) failures.push(`${missed} ${kind} happened and was not found.`)
  }
  return failures
}

function reportFailures({ missed, false: wrong }: Figures): readonly string[] {
  const failures: string[] = []
  if (missed > 0)
    failures.push(`The report does not name ${missed} candidates on which database and ATS differ.`)
  if (wrong > 0) failures.push(`The report names ${wrong} candidates on which database and ATS agree.`)
  return failures
}
