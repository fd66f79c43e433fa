import { readdirSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { DetectedFinding, FindingKind } from '../../core/contract/index.ts'
import type { NeighbourHistory, OperationHistory } from '../../core/detection/history.ts'
import * as detection from '../../core/detection/index.ts'
import type { Judge } from '../../core/detection/testing/assemble.ts'
import { withNeighbours } from '../../core/detection/testing/neighbours.ts'
import { root } from './subjects.ts'

/** A short history of a detector's own tests. What the detector says of it is asserted there, so any other word is wrong. */
export interface OwnCase {
  readonly kind: FindingKind
  readonly history: OperationHistory
  /** Claims about it, and about it with the neighbours that links find. */
  readonly claims: readonly string[]
}

const SHIM = pathToFileURL(join(import.meta.dirname, 'recording-vitest.ts')).href
/** Those that judge thousands of simulated histories, or files. */
const NOT_SHORT = ['truth.test.ts', 'pages.test.ts']

/** Runs the tests of core/detection without asserting anything and records what they show to the detectors. */
export async function ownCases(): Promise<readonly OwnCase[]> {
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === 'vitest' ? { url: SHIM, shortCircuit: true } : next(specifier, context),
  })
  const seen: Pick<OwnCase, 'kind' | 'history'>[] = []
  const unpatch = detection.detectors.map((detector) => {
    const { detect } = detector
    const record = (history: OperationHistory) => {
      seen.push({ kind: detector.id, history: plain(history) })
      return detect(history)
    }
    Object.assign(detector, { detect: record })
    return () => Object.assign(detector, { detect })
  })
  for (const folder of ['core/detection', 'core/detection/detectors'])
    for (const file of readdirSync(join(root, folder)))
      if (file.endsWith('.test.ts') && !NOT_SHORT.includes(file)) await import(join(root, folder, file))
  for (const restore of unpatch) restore()
  const once = new Map(seen.map((each) => [JSON.stringify(each, whole), each]))
  return [...once.values()].map((each) => ({ ...each, claims: claimsOf(detection, each) }))
}

/** What JSON leaves out is told apart too. */
function whole(_: string, value: unknown): unknown {
  return value === undefined ? '(undefined)' : value instanceof Set ? [...value] : value
}

/** Every claim of its kind: of the history as it stands, and of all its operations found by their links. */
export function claimsOf(
  judge: Judge,
  { kind, history }: Pick<OwnCase, 'kind' | 'history'>,
): readonly string[] {
  const claims = claimsIn(judge, kind, history).map((claim) => `as it stands: ${claim}`)
  const { neighbours = [], ...own } = history
  if (neighbours.length === 0) return claims
  return [...claims, ...linkedClaims(judge, kind, own, neighbours)]
}

function linkedClaims(
  judge: Judge,
  kind: FindingKind,
  own: OperationHistory,
  neighbours: readonly NeighbourHistory[],
): readonly string[] {
  const all = [own, ...neighbours.map((other) => ({ ...other, family: [] }))]
  try {
    return withNeighbours(all, judge.detectionRules).flatMap((each, index) =>
      claimsIn(judge, kind, each).map((claim) => `by links of ${index}: ${claim}`),
    )
  } catch {
    return ['by links: throws ']
  }
}

function claimsIn(judge: Judge, kind: FindingKind, history: OperationHistory): readonly string[] {
  const own = judge.detectors.filter(({ id }) => id === kind)
  const { findings, failures } = judge.detectOperation(history, own)
  const failed = failures.map(({ detector }) => `throws ${detector}`)
  return [...failed, ...findings.map(claimOf)]
}

function claimOf({ verdict, id, fields, details, cause }: DetectedFinding): string {
  const { how, order, rules } = details
  return `${verdict} ${id} ${JSON.stringify({ fields, how, order, rules, by: cause.operation_id })}`
}

/** Without the watchers that some tests put around events; members that are there and undefined stay so. */
function plain({ unclaimed, neighbours, ...history }: OperationHistory): OperationHistory {
  const bare = (events: OperationHistory['events']) => events.map((event) => ({ ...event }))
  return {
    ...history,
    events: bare(history.events),
    family: bare(history.family),
    ...(neighbours && { neighbours: neighbours.map((other) => ({ ...other, events: bare(other.events) })) }),
    ...(unclaimed && { unclaimed }),
  }
}
