import type { Finding } from '@syncproof/core/contract'
import { type Report, StoreUnavailableError } from '@syncproof/store'
import { type Context, messageOf } from '../context.ts'
import { limits } from '../limits.ts'
import { entityOf, type Pair } from '../pairs.ts'
import { namesOf } from './hashed-keys.ts'
import { GivenBackError, whileAlive } from './keep-alive.ts'
import type { Run } from './list-suspects.ts'
import { type Outcome, reconcilePair, unknownOutcome } from './reconcile-pair.ts'

/** Runs one report, if it can be had: a whole one waits while another one of its pair runs. A run is claimed with a fencing token, says every second that it lives,
 *  and publishes once, in one transaction, only while its token is the newest:
 *
 *      queued ──claim──► running ──finish──► finished
 *                          ▲  │ worker silent for abandonedMs, or given back by a shutdown
 *                          └──┘ claimed again, with a newer token
 *
 *  @throws where the store fails; the report is claimed again later */
export async function runReport(context: Context, id: string, closing: AbortSignal): Promise<void> {
  const { reports } = context.store
  const claimed = await reports.claim(context.projectId, id, limits.abandonedMs)
  if (claimed === undefined) return

  const { report, fence } = claimed
  const what = `reconciliation ${id} of ${report.pair}`
  const startedMs = Date.now()
  try {
    const say = () => reports.heartbeat(context.projectId, id, fence)
    const outcome = await whileAlive(context, what, say, closing, (signal) =>
      reconcile(context, claimed, signal),
    )
    await publish(context, report, fence, outcome, Date.now() - startedMs)
  } catch (error) {
    if (!closing.aborted && !(error instanceof GivenBackError)) throw error
    context.log(`${what} is given back: ${messageOf(error)}`)
    await reports.release(context.projectId, id, fence)
  }
}

async function reconcile(context: Context, run: Run, signal: AbortSignal): Promise<Outcome> {
  const { report } = run
  const pair = context.pairs.get(report.pair)
  if (pair === undefined) {
    const detail = `No pair '${report.pair}' is configured for this reconciler. Add it to syncproof.config.ts.`
    return { ...unknownOutcome({ code: 'pair_not_configured', detail }), self_test: null }
  }
  try {
    return await reconcilePair(context, pair, run, signal)
  } catch (error) {
    if (signal.aborted || error instanceof StoreUnavailableError || error instanceof GivenBackError)
      throw error
    // trying for ever what always fails would hide it: the report says it once
    context.log(`reconciliation ${report.id} of ${report.pair} failed: ${messageOf(error)}`)
    return {
      ...unknownOutcome({ code: 'reconciler_failed', detail: messageOf(error) }),
      self_test: null,
    }
  }
}

async function publish(
  context: Context,
  report: Report,
  fence: number,
  outcome: Outcome,
  durationMs: number,
): Promise<void> {
  const pair = context.pairs.get(report.pair)
  const before = pair ? await openFindings(context, pair, outcome) : []
  const { keys } = report
  // whoever asked by ids needs them no more
  const asked = pair?.hasHashedIds && keys ? namesOf(pair, context.fingerprintKey, keys) : undefined
  const finished = { ...outcome, keys: asked }
  if (!(await context.store.reports.finish(context.projectId, report.id, fence, finished))) {
    context.log(`reconciliation ${report.id} of ${report.pair} is given back: another worker has it`)
    return
  }
  if (pair === undefined) return
  count(context, pair, outcome, durationMs)
  const known = new Set(before.map(({ id }) => id))
  for (const finding of await openFindings(context, pair, outcome)) {
    if (!known.has(finding.id)) context.onFinding(finding)
  }
}

/** The findings of an outcome that are stored and not over. */
async function openFindings(context: Context, pair: Pair, outcome: Outcome): Promise<readonly Finding[]> {
  const ids = new Set(outcome.findings.map(({ id }) => id))
  const kinds = [...new Set(outcome.findings.map(({ kind }) => kind))]
  const keys = outcome.divergences.flatMap(({ key, finding_id }) => (finding_id ? [key] : []))
  const found: Finding[] = []
  for (let at = 0; at < keys.length; at += limits.pageSize) {
    const entities = keys.slice(at, at + limits.pageSize).map((key) => entityOf(pair, key))
    const open = await context.store.findings.openOf(context.projectId, kinds, entities)
    found.push(...open.filter(({ id }) => ids.has(id)))
  }
  return found
}

function count({ metrics }: Context, { name: pair }: Pair, outcome: Outcome, durationMs: number): void {
  const { result, coverage } = outcome
  metrics.runs.inc({ pair, result })
  metrics.rows.inc({ pair, side: 'source' }, coverage.source_records)
  metrics.rows.inc({ pair, side: 'target' }, coverage.target_records)
  metrics.runDuration.observe({ pair }, durationMs / 1_000)
}
