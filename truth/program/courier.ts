import type { CallPlan } from '../plan/call.ts'
import type { Values } from '../world/row.ts'
import type { Actor } from './recorded-rows.ts'
import { send } from './send.ts'
import type { ProgramWorld } from './world.ts'

/** What waits in the outbox. */
interface OutboxMessage {
  readonly plan: CallPlan
  readonly fields: Values
  readonly operationId: string | null
}

/** Delivers one message that waits in the outbox, as an operation on behalf of the one that left it there.
 *  @returns false where none waits */
export async function deliverOne(world: ProgramWorld): Promise<boolean> {
  const { rows } = await world.raw.query<{ message: OutboxMessage }>(
    `DELETE FROM outbox WHERE id = (SELECT id FROM outbox ORDER BY id FOR UPDATE SKIP LOCKED LIMIT 1) RETURNING message`,
  )
  const message = rows[0]?.message
  if (!message) return false
  const { plan, fields, operationId } = message
  const key = `${plan.key}/delivery`
  const actor: Actor = { call: key, root: key }
  world.diary.note({ what: 'began', ...actor })
  const deliver = world.syncproof.wrap(
    (_row: string) =>
      send(world, { ...plan, onFailure: 'ignore' }, actor, { record: plan.row, fields }, false, plan.key),
    {
      name: 'deliver',
      entity: (id) => ({ type: plan.table, id }),
      onBehalfOf: () => operationId,
      idempotencyKey: () => key,
    },
  )
  await deliver(plan.row)
  world.diary.note({ what: 'ended', ...actor })
  return true
}
