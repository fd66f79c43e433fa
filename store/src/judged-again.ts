import { sql } from 'kysely'
import type { Tx } from './database.ts'

/** Operations that waited for a gap in the sequence of one of these processes which has been filled. Only
 *  the processes of new events can have filled one, so nothing else is looked at. */
export async function filledOperations(
  tx: Tx,
  projectId: string,
  processIds: readonly string[],
): Promise<readonly string[]> {
  const { rows } = await sql<{ operation_id: string }>`
    select waiting.operation_id
    from syncproof.waiting_operations waiting
    join syncproof.processes process using (project_id, process_id)
    where waiting.project_id = ${projectId} and waiting.process_id = any(${processIds}::uuid[])
      and process.seen @> int8range(waiting.first_seq, waiting.last_seq + 1)`.execute(tx)
  return rows.map((row) => row.operation_id)
}

/** Operations that ended and had called one of these: what a called operation did can change what is said of
 *  its caller, also when it arrives later. */
export async function endedCallers(
  tx: Tx,
  projectId: string,
  operationIds: readonly string[],
): Promise<readonly string[]> {
  const { rows } = await sql<{ operation_id: string }>`
    with recursive caller as (
      select parent_operation_id as operation_id from syncproof.operations
      where project_id = ${projectId} and operation_id = any(${operationIds}::uuid[])
        and parent_operation_id is not null
      union
      select above.parent_operation_id
      from caller join syncproof.operations above using (operation_id)
      where above.project_id = ${projectId} and above.parent_operation_id is not null)
    select operation_id
    from caller join syncproof.operations using (operation_id)
    where project_id = ${projectId} and finished_at is not null`.execute(tx)
  return rows.map((row) => row.operation_id)
}

/** More operations that one process left open are not looked at: a runaway that never ends what it begins. */
const OPEN_OPERATIONS_MAX = 1_000

/** Operations of these processes, which have ended, that have not. */
export async function openOperations(
  tx: Tx,
  projectId: string,
  processIds: readonly string[],
): Promise<readonly string[]> {
  if (processIds.length === 0) return []
  const { rows } = await sql<{ operation_id: string }>`
    select operation_id from syncproof.operations
    where project_id = ${projectId} and process_id = any(${processIds}::uuid[]) and finished_at is null
    order by operation_id limit ${OPEN_OPERATIONS_MAX}`.execute(tx)
  return rows.map((row) => row.operation_id)
}
