import type { DetectedFinding } from '@syncproof/core/contract'
import { sql } from 'kysely'
import type { Tx } from './database.ts'
import type { DetectionBatch } from './store.ts'

/** The findings without what an operation with a hole cannot say. What is proven of it is true: a proof stands on events
 *  that are there. What is less may come from the hole. What is stored already has a better witness than what is left.
 *  Call `lockFindings` first. */
export async function heardOf(
  tx: Tx,
  { projectId, operations }: DetectionBatch,
  findings: readonly DetectedFinding[],
): Promise<readonly DetectedFinding[]> {
  const holed = new Set(operations.flatMap((row) => (row.holed ? row.operationId : [])))
  const isOfHoled = ({ cause }: DetectedFinding) => holed.has(cause.operation_id ?? '')
  const proven = findings.filter((finding) => isOfHoled(finding) && finding.verdict === 'proven')
  const stored = await storedAmong(tx, projectId, proven)
  return findings.filter(
    (finding) => !isOfHoled(finding) || (finding.verdict === 'proven' && !stored.has(finding.id)),
  )
}

async function storedAmong(
  tx: Tx,
  projectId: string,
  findings: readonly DetectedFinding[],
): Promise<ReadonlySet<string>> {
  if (findings.length === 0) return new Set()
  const { rows } = await sql<{ id: string }>`
    select id from syncproof.findings
    where project_id = ${projectId} and id = any(${findings.map(({ id }) => id)}::text[])
      and verdict = 'proven'`.execute(tx)
  return new Set(rows.map((row) => row.id))
}
