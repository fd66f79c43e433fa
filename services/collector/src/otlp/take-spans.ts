import { setImmediate as turn } from 'node:timers/promises'
import { limits, type ProcessReport, type SyncproofEvent } from '@syncproof/core/contract'
import type { EventHorizon, Store } from '@syncproof/store'
import { ProblemError } from '../http/problem.ts'
import { checkEvents } from '../ingest/check-event.ts'
import { collectorLimits } from '../limits.ts'
import { isJson, listOf } from './otlp-span.ts'
import { processOf } from './resource.ts'
import { eventsOfSpan } from './span-events.ts'

/** What became of the spans of a request. */
export interface SpansTaken {
  /** Spans whose events are stored, now or before. */
  readonly stored: number
  readonly ignored: number
  readonly rejected: number
  /** Of the first few that were rejected: which span, and what is wrong with it. */
  readonly messages: readonly string[]
  readonly batches: readonly StoredBatch[]
}

interface StoredBatch {
  readonly valid: readonly SyncproofEvent[]
  readonly accepted: number
  readonly duplicates: number
}

interface TakenSpan {
  readonly name: string
  readonly events: readonly SyncproofEvent[]
}

/** Stores what the spans of an ExportTraceServiceRequest say to us. One bad span never costs the others.
 *  Rejects where the store does: then some may be stored, and sending all again changes nothing.
 *  @param nowMs the collector's clock, milliseconds since 1970
 *  @throws ProblemError where the body is no such request, or holds more than `spansPerRequestMax` */
export async function takeSpans(
  store: Store,
  project: string,
  body: unknown,
  nowMs: number,
  horizon: EventHorizon,
): Promise<SpansTaken> {
  const tally = { stored: 0, ignored: 0, rejected: 0, messages: [] as string[], batches: [] as StoredBatch[] }
  const reject = (message: string) => {
    tally.rejected += 1
    if (tally.messages.length < collectorLimits.spanMessagesMax)
      tally.messages.push(message.slice(0, collectorLimits.pointerLengthMax))
  }
  for (const { process, spans } of processesIn(body)) {
    const taken: TakenSpan[] = []
    for (const [index, raw] of spans.entries()) {
      if (index > 0 && index % collectorLimits.spansPerTurn === 0) await turn()
      const outcome = eventsOfSpan(raw)
      if (outcome.is === 'taken') taken.push(outcome)
      else if (outcome.is === 'ignored') tally.ignored += 1
      else reject(outcome.message)
    }
    const good = await checkSpans(taken, nowMs, horizon, reject)
    for (const batch of batchesOf(good)) {
      const valid = batch.flatMap(({ events }) => events)
      tally.batches.push({ valid, ...(await store.events.append(project, process, valid)) })
      tally.stored += batch.length
    }
  }
  return tally
}

interface ProcessSpans {
  readonly process: ProcessReport
  readonly spans: readonly unknown[]
}

function processesIn(body: unknown): readonly ProcessSpans[] {
  const resources = isJson(body) ? listOf(body.resourceSpans) : undefined
  if (!resources) throw malformed('/resourceSpans')
  const found = resources.map((resource, index) => {
    const scopes = isJson(resource) ? listOf(resource.scopeSpans) : undefined
    if (!isJson(resource) || !scopes) throw malformed(`/resourceSpans/${index}/scopeSpans`)
    const spans = scopes.flatMap((scope, place) => {
      const own = isJson(scope) ? listOf(scope.spans) : undefined
      if (!own) throw malformed(`/resourceSpans/${index}/scopeSpans/${place}/spans`)
      return own
    })
    return { process: processOf(resource.resource), spans }
  })
  const count = found.reduce((sum, { spans }) => sum + spans.length, 0)
  if (count > collectorLimits.spansPerRequestMax)
    throw new ProblemError(
      'body_too_large',
      `The request has ${count} spans; at most ${collectorLimits.spansPerRequestMax} are read at once.`,
    )
  return found
}

function malformed(pointer: string): ProblemError {
  return new ProblemError(
    'invalid_request',
    `${pointer}: must be a list, as in an ExportTraceServiceRequest of OTLP/JSON.`,
    { pointer },
  )
}

/** By the contract, as events that an SDK sends. A span with one bad event is rejected whole. */
async function checkSpans(
  spans: readonly TakenSpan[],
  nowMs: number,
  horizon: EventHorizon,
  reject: (message: string) => void,
): Promise<readonly TakenSpan[]> {
  const owners = spans.flatMap((span) => span.events.map(() => span))
  const { rejected } = await checkEvents(
    spans.flatMap(({ events }) => events),
    nowMs,
    horizon,
  )
  const bad = new Set<TakenSpan>()
  for (const { index, pointer, message } of rejected) {
    const owner = owners[index]
    if (!owner || bad.has(owner)) continue
    bad.add(owner)
    reject(`${owner.name}: ${attributeAt(pointer)} ${message}`)
  }
  return spans.filter((span) => !bad.has(span))
}

/** Which attribute made the member of an event that a pointer names: `/events/3/entity/id` is `syncproof.entity.id`. */
function attributeAt(pointer: string): string {
  const path = pointer.split('/').slice(3)
  return path[0] === 'id' || path[0] === 'at' ? 'its time:' : `syncproof.${path.join('.')}`
}

/** No more events than one batch may have; the events of a span stay together. */
function* batchesOf(spans: readonly TakenSpan[]): Generator<readonly TakenSpan[]> {
  let batch: TakenSpan[] = []
  let events = 0
  for (const span of spans) {
    if (events + span.events.length > limits.eventsPerBatchMax) {
      yield batch
      batch = []
      events = 0
    }
    batch.push(span)
    events += span.events.length
  }
  if (batch.length > 0) yield batch
}
