import type { AlertSink, SinkAnswer } from '@syncproof/core/contract'
import type { TakenAlert } from '@syncproof/store'
import type { Context } from '../context.ts'
import { type AlertTimes, limits } from '../limits.ts'
import { sendAlert } from './send-alert.ts'

/** Sends what a sink is still to hear, of some groups at once, for a slice of time: a sink that hangs or has much to hear holds up
 *  no other one. What is left is sent in the next slice, which is asked for every two seconds: a queue that was flushed, or a
 *  worker that died, costs no more. */
export async function deliver(context: Context, name: string, signal: AbortSignal): Promise<void> {
  const sink = context.sinks.get(name)
  // one that is configured no more, or not yet everywhere: the messages stay, and show in the metrics
  if (sink === undefined) return
  const endMs = Date.now() + limits.alertSliceMs
  const isOver = () => signal.aborted || Date.now() > endMs
  while (!isOver()) {
    // in turns, so that a sink never hears that something goes on after it has heard that it is over
    const refreshed = await refresh(context, sink)
    const groups = (await context.store.alerts.due(context.projectId, name)).values()
    const sent = await Promise.all(
      Array.from({ length: limits.alertsAtOnceMax }, async () => {
        let count = 0
        for (const group of groups) {
          if (isOver()) break
          count += await deliverGroup(context, sink, group, isOver)
        }
        return count
      }),
    )
    if (refreshed === 0 && sent.every((count) => count === 0)) return
  }
}

/** The oldest first, until nothing is left that can be sent now. A message that fails waits in the store, and those after it wait for
 *  it. @returns how many were sent */
async function deliverGroup(
  context: Context,
  sink: AlertSink,
  group: string,
  isOver: () => boolean,
): Promise<number> {
  const { store, projectId, alertTimes } = context
  for (let count = 0; ; count += 1) {
    const taken = isOver()
      ? undefined
      : await store.alerts.take(projectId, { group, sink: sink.name }, alertTimes.leaseMs)
    if (taken === undefined) return count
    const answer = await sendAlert(sink, { ...taken.message, id: `alert_${taken.number}` })
    const end = endOf(taken, answer, alertTimes)
    await store.alerts.settle(taken, end)
    told(context, sink, taken, end.status, answer)
    if (end.status === 'waiting') return count + 1
  }
}

/** Tells a sink that forgets again some of what still holds. What comes back changes nothing: it is told again soon.
 *  @returns how much that was */
async function refresh({ store, projectId, failures }: Context, sink: AlertSink): Promise<number> {
  if (sink.refreshMs === undefined) return 0
  const held = await store.alerts.refresh(projectId, sink.name, sink.refreshMs)
  await Promise.all(
    held.map(async ({ number, message }) => {
      const { answer, isTaken } = await sendAlert(sink, { ...message, id: `alert_${number}` })
      if (!isTaken) failures.say(`alert sink ${sink.name}: ${answer}`)
    }),
  )
  return held.length
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
