import { detectionRules } from '@syncproof/core/detection'
import {
  type DetectionBatch,
  type DetectionEvidence,
  type DetectionVerdicts,
  StoreUnavailableError,
} from '@syncproof/store'
import { type Context, messageOf, pause } from '../context.ts'
import { limits } from '../limits.ts'
import { observeFindings } from '../metrics/run-metrics.ts'
import { judgeBatch } from './judge.ts'
import { traceFindings } from './trace-findings.ts'

/** How a lane goes on. A step that fails leaves cursor and findings as they were, so the same
 *  events come again: the batch shrinks until one operation stands alone, and that one is passed over. */
interface Pace {
  eventsMax: number
  failures: number
  pollMs: number
}

const NOTHING: DetectionVerdicts = { findings: [], resolved: [] }

/** Judges what a lane holds, for one slice of time; the caller adds the next slice as a new job. */
export type LaneRunner = (lane: number, signal: AbortSignal) => Promise<void>

/** Two runners on one lane do no harm: the store lets one of them step at a time. */
export function laneRunner(context: Context): LaneRunner {
  const paces = new Map<number, Pace>()
  return async (lane, signal) => {
    const pace = paces.get(lane) ?? newPace()
    paces.set(lane, pace)
    const endMs = Date.now() + limits.laneSliceMs
    while (!signal.aborted && Date.now() < endMs) {
      await pause(await nextStep(context, lane, pace), signal)
    }
  }
}

function newPace(): Pace {
  return { eventsMax: limits.eventsPerStepMax, failures: 0, pollMs: limits.lanePollMs }
}

/** One step and what it means for the next one. Never throws. @returns milliseconds to wait before it */
async function nextStep(context: Context, lane: number, pace: Pace): Promise<number> {
  const passOver = pace.failures >= limits.stepFailuresMax
  let receivedMs = Number.POSITIVE_INFINITY
  try {
    const judge = async (batch: DetectionBatch, evidence: DetectionEvidence) => {
      receivedMs = Math.min(receivedMs, batch.oldestReceivedMs)
      return passOver ? passedOver(context, lane, batch) : judgeBatch(context, batch, evidence)
    }
    const step = await context.store.detection.step(lane, pace.eventsMax, judge, detectionRules)
    pace.failures = 0
    pace.eventsMax = Math.min(pace.eventsMax * 2, limits.eventsPerStepMax)
    observeFindings(context.metrics, step.created, receivedMs)
    for (const finding of step.created) context.onFinding(finding)
    await traceFindings(context.store, context.projectId, step.created, receivedMs).catch(() => {})
    pace.pollMs = step.events > 0 ? limits.lanePollMs : Math.min(pace.pollMs * 1.1, limits.lanePollMsMax)
    return step.events > 0 ? 0 : pace.pollMs
  } catch (error) {
    context.metrics.stepFailures.inc()
    context.failures.say(`lane ${lane}: a detection step failed: ${messageOf(error)}`)
    // only what was judged can be to blame; a database that is away or not migrated is waited for
    const judged = receivedMs !== Number.POSITIVE_INFINITY
    if (!judged || error instanceof StoreUnavailableError) return limits.laneRetryMs
    if (pace.eventsMax > 1) pace.eventsMax = Math.ceil(pace.eventsMax / 10)
    else pace.failures += 1
    return limits.laneRetryMs / 5
  }
}

function passedOver(context: Context, lane: number, batch: DetectionBatch): DetectionVerdicts {
  context.metrics.operationsSkipped.inc(batch.operations.length)
  const ids = batch.operations.map((operation) => operation.operationId).join(', ')
  context.log(`lane ${lane}: passed over unjudged, because judging failed every time: ${ids}`)
  return NOTHING
}
