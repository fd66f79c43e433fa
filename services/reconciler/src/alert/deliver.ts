import type { AlertSink, SinkAnswer } from '@syncproof/core/contract'
import type { AlertKey, TakenAlert } from '@syncproof/store'
import { type Context, messageOf } from '../context.ts'
import { type AlertTimes, limits } from '../limits.ts'
import { lineOf } from './line.ts'

/** Sends what a sink is still to hear of a group, the oldest first, until nothing is left that can be sent now. A message that fails waits
 *  in the store, and those after it wait for it. */
export async function deliver(context: Context, key: AlertKey, signal: AbortSignal): Promise<void> {
  const sink = context.sinks.get(key.sink)
  // one that is configured no more, or not yet everywhere: the message stays, and shows in the metrics
  if (sink === undefined) return
  while (!signal.aborted) {
    const taken = await context.store.alerts.take(context.projectId, key, context.alertTimes.leaseMs)
    if (taken === undefined) return
    const answer = await send(sink, taken)
    const end = endOf(taken, answer, context.alertTimes)
    await context.store.alerts.settle(taken, end)
    told(context, sink, taken, end.status, answer)
    if (end.status === 'waiting') return
  }
}

/** Tells a sink that forgets again what still holds. What comes back changes nothing: it is told again soon. */
export async function refresh(context: Context): Promise<void> {
  for (const sink of context.sinks.values()) {
    if (sink.refreshMs === undefined) continue
    const held = await context.store.alerts.refresh(context.projectId, sink.name, sink.refreshMs)
    for (const { number, message } of held) {
      const { answer, isTaken } = await sendMessage(sink, number, message)
      if (isTaken) continue
      context.failures.say(`alert sink ${sink.name}: ${answer}`)
      break
    }
  }
}

function send(sink: AlertSink, { number, message }: TakenAlert): Promise<SinkAnswer> {
  return sendMessage(sink, number, message)
}

async function sendMessage(
  sink: AlertSink,
  number: string,
  message: TakenAlert['message'],
): Promise<SinkAnswer> {
  try {
    const alert = { ...message, id: `alert_${number}` }
    return await sink.send(alert, AbortSignal.timeout(limits.alertAnswerMs))
  } catch (error) {
    const answer = lineOf(`the sink threw: ${messageOf(error)}`, limits.alertAnswerLengthMax)
    return { isTaken: false, isLater: true, answer }
  }
}

function endOf({ attempts, createdMs }: TakenAlert, answer: SinkAnswer, times: AlertTimes) {
  if (answer.isTaken) return { status: 'delivered', answer: answer.answer } as const
  const isTooOld = Date.now() - createdMs > limits.alertTriesMs
  if (!answer.isLater || isTooOld) return { status: 'given_up', answer: answer.answer } as const
  const backoffMs = Math.min(times.retryMs * 2 ** Math.min(attempts - 1, 20), times.retryMsMax)
  // by chance up to half as long again, so that they do not all come back at once
  const spreadMs = backoffMs * (1 + Math.random() / 2)
  return {
    status: 'waiting',
    answer: answer.answer,
    pauseMs: Math.max(spreadMs, answer.pauseMs ?? 0),
  } as const
}

function told(
  { metrics, failures, log }: Context,
  { name }: AlertSink,
  { message, createdMs }: TakenAlert,
  status: 'delivered' | 'given_up' | 'waiting',
  { answer }: SinkAnswer,
): void {
  const result = status === 'waiting' ? 'failed' : status
  metrics.alertDeliveries.inc({ sink: name, result })
  if (status === 'delivered')
    metrics.alertDelay.observe({ sink: name }, Math.max(0, Date.now() - createdMs) / 1_000)
  if (status === 'waiting') failures.say(`alert sink ${name}: ${answer}; it is tried again`)
  if (status === 'given_up')
    log(`alert sink ${name} does not take "${message.title}" (${message.state}), given up: ${answer}`)
}
