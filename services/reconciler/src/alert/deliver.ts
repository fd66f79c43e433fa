import type { AlertSink, SinkAnswer } from '@syncproof/core/contract'
import type { TakenAlert } from '@syncproof/store'
import { type Context, messageOf } from '../context.ts'
import { type AlertTimes, limits } from '../limits.ts'
import { lineOf } from './line.ts'

/** Sends what a sink is still to hear, of some groups at once, for a slice of time: a sink that hangs or has much to hear holds up
 *  no other one. What is left is sent in the next slice, which is asked for every two seconds: a queue that was flushed, or a
 *  worker that died, costs no more. */
export async function deliver(context: Context, name: string, signal: AbortSignal): Promise<void> {
  const sink = context.sinks.get(name)
  // one that is configured no more, or not yet everywhere: the messages stay, and show in the metrics
  if (sink === undefined) return
  const endMs = Date.now() + limits.alertSliceMs
  while (!signal.aborted && Date.now() < endMs) {
    const groups = (await context.store.alerts.due(context.projectId, name)).values()
    const sent = await Promise.all(
      Array.from({ length: limits.alertsAtOnceMax }, async () => {
        let count = 0
        for (const group of groups) {
          if (signal.aborted || Date.now() > endMs) break
          await deliverGroup(context, sink, group, signal)
          count += 1
        }
        return count
      }),
    )
    if (sent.every((count) => count === 0)) return
  }
}

/** The oldest first, until nothing is left that can be sent now. A message that fails waits in the store, and those after it wait for
 *  it. */
async function deliverGroup(
  context: Context,
  sink: AlertSink,
  group: string,
  signal: AbortSignal,
): Promise<void> {
  const { store, projectId, alertTimes } = context
  while (!signal.aborted) {
    const taken = await store.alerts.take(projectId, { group, sink: sink.name }, alertTimes.leaseMs)
    if (taken === undefined) return
    const answer = await send(sink, taken)
    const end = endOf(taken, answer, alertTimes)
    await store.alerts.settle(taken, end)
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
