import { detectOperation } from '@syncproof/core/detection'
import type { RecordingServer } from './recording-server.ts'

/** What the detector proves lost from the events that a server was sent: operation to fields. */
export function lostFields(server: RecordingServer): ReadonlyMap<string, readonly string[]> {
  const process = server.requests[0]?.batch.process
  const lost = new Map<string, readonly string[]>()
  for (const { operation_id: operationId } of server.ofKind('operation_started')) {
    if (!process) break
    const events = server
      .events()
      .filter((event) => 'operation_id' in event && event.operation_id === operationId)
      .map((event) => ({ ...event, process_id: process.id }))
    const { findings } = detectOperation({ operationId, process, events, complete: true, family: [] })
    const fields = findings.filter(({ kind }) => kind === 'lost-update').flatMap((finding) => finding.fields)
    if (fields.length > 0) lost.set(operationId, fields)
  }
  return lost
}
