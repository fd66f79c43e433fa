import { randomUUID } from 'node:crypto'
import type { Alert, AlertSink, AlertState, SinkAnswer } from '@syncproof/core/contract'
import { sendAlert } from './send-alert.ts'

export type TestedAlert = SinkAnswer & { readonly sink: AlertSink; readonly state: AlertState }

/** Sends each sink an alert in each state that it knows, one after the other, as one group that begins and ends. Routes and
 *  maintenance windows are not looked at. */
export async function* testAlerts(sinks: readonly AlertSink[]): AsyncGenerator<TestedAlert> {
  for (const sink of sinks) {
    const run = randomUUID().replaceAll('-', '').slice(0, 16)
    for (const state of sink.states) {
      const answer = await sendAlert(sink, testAlert(run, state))
      yield { ...answer, sink, state }
    }
  }
}

function testAlert(run: string, state: AlertState): Alert {
  const at = new Date().toISOString()
  const over = state === 'resolved'
  return {
    id: `alert_test_${run}_${state}`,
    dedupKey: `syncproof/test/${run}`,
    state,
    project: 'test',
    kind: 'lost-update',
    severity: 'low',
    pair: null,
    operation: 'syncCandidate',
    entityType: 'candidate',
    owner: null,
    title: 'Test of Syncproof: lost-update by syncCandidate on candidate',
    summary: over
      ? 'This was a test. Nothing had been lost.'
      : 'This is a test. Nothing was lost: somebody ran `syncproof alert test`.',
    findings: 1,
    open: over ? 0 : 1,
    finding: { id: `f_test_${run}`, entity: { type: 'candidate', id: 'c-17' }, fields: ['status'] },
    since: at,
    at,
    help: 'docs/alerts.md',
    command: 'syncproof alert test',
    test: true,
  }
}
