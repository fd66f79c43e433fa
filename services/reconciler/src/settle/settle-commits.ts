import type { TransactionAnswers } from '@syncproof/core/comparison'
import { type Finding, isHashedId } from '@syncproof/core/contract'
import type { FindingStore } from '@syncproof/store'
import { type Context, messageOf } from '../context.ts'
import { eachFinding } from '../each-finding.ts'
import { limits } from '../limits.ts'
import type { Pair } from '../pairs.ts'
import { type CommitFate, type CommitQuestion, commitFate, commitQuestion, NO_PAIR } from './commit-fate.ts'

/** Asks the sources of the pairs what became of the open unknown commits that are due.
 *  @throws the signal's reason where it is aborted */
export type CommitSettler = (signal: AbortSignal) => Promise<void>

/** A commit is open → settled by `committed` or `aborted`. While it is open it is asked for again, and its finding says
 *  why. When it is due is known to this process alone: another one, or the next, asks a little too often. */
export function commitSettler(context: Context): CommitSettler {
  const waits = new Map<string, Wait>()
  return async (signal) => {
    const questions: CommitQuestion[] = []
    const said = new Said()
    const open = new Set<string>()
    const filter = { kind: 'unknown-outcome', status: 'open' } as const
    for await (const finding of eachFinding(context, filter, limits.watchedMax)) {
      open.add(finding.id)
      if ((waits.get(finding.id)?.dueMs ?? 0) > Date.now()) continue
      const question = commitQuestion(finding)
      if (question === undefined) continue
      if ('reason' in question) said.explain(finding, question.reason)
      else questions.push(question)
      waits.set(finding.id, nextWait(waits.get(finding.id)))
    }
    for (const id of waits.keys()) if (!open.has(id)) waits.delete(id)
    for (let at = 0; at < questions.length; at += limits.commitsPerAskMax) {
      await askPairs(context, questions.slice(at, at + limits.commitsPerAskMax), said, signal)
    }
    await keep(context, said)
  }
}

interface Wait {
  readonly dueMs: number
  readonly waitMs: number
}

function nextWait(before: Wait | undefined): Wait {
  const waitMs = before ? Math.min(before.waitMs * 2, limits.askAgainMsMax) : limits.askAgainMs
  return { dueMs: Date.now() + waitMs, waitMs }
}

/** What has come of the questions so far. */
class Said {
  readonly settled: { readonly finding: Finding; readonly fate: keyof typeof WHY }[] = []
  readonly reasons: Parameters<FindingStore['explain']>[1][number][] = []

  take(finding: Finding, fate: Exclude<CommitFate, { readonly is: 'elsewhere' }>): void {
    if (fate.is === 'open') this.explain(finding, fate.reason, { database: 'open', transactions: fate.ids })
    else if (fate.is === 'unanswered') this.explain(finding, fate.reason)
    else this.settled.push({ finding, fate: fate.is })
  }

  /** Once: a finding is not written again to say the same. For `database` see `isLeftToReads`. */
  explain(finding: Finding, reason: string, more: object = { database: 'silent' }): void {
    if (finding.reason === reason) return
    const details = { ...more, asked_at: new Date().toISOString() }
    this.reasons.push({ id: finding.id, reason, details })
  }
}

/** Each pair's source is asked what no other has answered. */
async function askPairs(
  context: Context,
  questions: readonly CommitQuestion[],
  said: Said,
  signal: AbortSignal,
): Promise<void> {
  let left = questions
  let allAnswered = true
  for (const pair of context.pairs.values()) {
    if (left.length === 0) return
    const answers = await askPair(context, pair, left, signal)
    if (answers === 'away') allAnswered = false
    if (answers === undefined || answers === 'away') continue
    const elsewhere: CommitQuestion[] = []
    for (const question of left) {
      const fate = commitFate(question, answers)
      if (fate.is === 'elsewhere') elsewhere.push(question)
      else said.take(question.finding, fate)
    }
    left = elsewhere
  }
  // one that is away may be the one that it was written to
  if (allAnswered) for (const { finding } of left) said.explain(finding, NO_PAIR)
}

/** Undefined where the pair's source is no database that remembers transactions. */
async function askPair(
  context: Context,
  pair: Pair,
  questions: readonly CommitQuestion[],
  signal: AbortSignal,
): Promise<TransactionAnswers | 'away' | undefined> {
  signal.throwIfAborted()
  const source = pair.config.source.open()
  try {
    const ids = new Set(questions.flatMap((question) => question.ids))
    return await source.transactions?.([...ids], signal)
  } catch (error) {
    signal.throwIfAborted()
    context.failures.say(`pair ${pair.name}: its source was not asked for commits: ${messageOf(error)}`)
    return 'away'
  } finally {
    await source.close()
  }
}

const WHY = {
  committed: 'Settled: the database says that its transaction was committed, so what it wrote was applied.',
  aborted: 'Settled: the database says that its transaction was rolled back, so nothing of it was applied.',
} as const

/** The reads are asked for first: to do it twice is harmless, and without it the other systems, which may not have what
 *  was committed, would stay unread until the next whole run. */
async function keep(context: Context, { settled, reasons }: Said): Promise<void> {
  const { projectId, store, metrics } = context
  if (reasons.length > 0) await store.findings.explain(projectId, reasons)
  if (settled.length === 0) return
  for (const pair of context.pairs.values()) {
    const keys = keysOf(
      settled.map(({ finding }) => finding),
      pair,
    )
    for (let at = 0; at < keys.length; at += limits.keysPerReportMax) {
      const some = keys.slice(at, at + limits.keysPerReportMax)
      await store.reports.request(projectId, pair.name, 'unknown-outcome', some)
    }
  }
  const at = new Date().toISOString()
  await store.findings.resolve(
    projectId,
    settled.map(({ finding, fate }) => ({ id: finding.id, resolution: { at, why: WHY[fate] } })),
  )
  for (const { fate } of settled) metrics.commitsSettled.inc({ fate })
}

/** Known by its hash, a record cannot be read before a listing has shown it: the next whole run looks at it. */
function keysOf(findings: readonly Finding[], pair: Pair): readonly string[] {
  if (pair.hasHashedIds) return []
  const entities = findings.flatMap(({ witness }) =>
    witness.events.flatMap((event) => ('entity' in event ? event.entity : [])),
  )
  const ids = entities.filter(({ type, id }) => type === pair.entityType && !isHashedId(id))
  return [...new Set(ids.map(({ id }) => id))].sort()
}
