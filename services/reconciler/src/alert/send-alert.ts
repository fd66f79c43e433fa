import type { Alert, AlertSink, SinkAnswer } from '@syncproof/core/contract'
import { messageOf } from '../context.ts'
import { limits } from '../limits.ts'
import { lineOf } from './line.ts'

/** Sends one message, also to a sink of the user's own that throws or forgets its signal. Never rejects. */
export async function sendAlert(sink: AlertSink, alert: Alert): Promise<SinkAnswer> {
  const signal = AbortSignal.timeout(limits.alertAnswerMs)
  const late = new Promise<SinkAnswer>((resolve) => {
    const answer = { isTaken: false, isLater: true, answer: 'no answer in time' } as const
    // its own words first
    signal.addEventListener('abort', () => setTimeout(() => resolve(answer), limits.alertLateMs).unref())
  })
  try {
    return await Promise.race([sink.send(alert, signal), late])
  } catch (error) {
    const answer = lineOf(`the sink threw: ${messageOf(error)}`, limits.alertAnswerLengthMax)
    return { isTaken: false, isLater: true, answer }
  }
}
