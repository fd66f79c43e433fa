import type { DetectedFinding, StoredEvent } from '../../contract/index.ts'
import { judgeArrivals } from '../../detection/testing/assemble.ts'

/** What the detectors find in simulated events, as a store gives it out. */
export function findingsIn(events: readonly StoredEvent[]): readonly DetectedFinding[] {
  const { findings } = judgeArrivals([asReported(events)])
  return JSON.parse(JSON.stringify([...findings.values()]))
}

/** The simulator names its processes and operations shortly; the contract asks for UUIDs. */
function asReported(events: readonly StoredEvent[]): readonly StoredEvent[] {
  const named = /"(process|operation)-(\d+)"/g
  const uuid = (_: string, what: string, number: string) =>
    `"018f0000-0000-4000-${what === 'process' ? '8' : '9'}000-${number.padStart(12, '0')}"`
  return JSON.parse(JSON.stringify(events).replace(named, uuid))
}
