import { setTimeout as pause } from 'node:timers/promises'
import type pg from 'pg'
import { type CallPlan, innerKey } from '../plan/call.ts'
import { changeOf } from './changes.ts'
import type { Actor } from './recorded-rows.ts'
import type { SqlRows } from './rows.ts'
import type { ProgramWorld } from './world.ts'

/** Two calls of the app, one after the other, in one transaction that the first begins and the second ends. The second
 *  reads on another connection, so it does not see what the first one wrote, and overwrites it: not an update
 *  that anybody else made. */
export async function sharedTransaction(world: ProgramWorld, plan: CallPlan): Promise<void> {
  const { rows, client } = await world.sqlStore(plan).open()
  const second = innerKey(plan.key)
  let committed = false
  try {
    await callOf(world, plan, plan.key, async (actor) => {
      await client.query('BEGIN')
      await change(world, plan, actor, rows, rows)
      world.diary.note({ what: 'ended', ...actor })
    })
    await callOf(world, plan, second, async (actor) => {
      world.diary.note({ what: 'began', ...actor })
      await change(world, { ...plan, change: 'derived' }, actor, world.sqlStore(plan), rows)
      await client.query('COMMIT')
      committed = true
    })
  } finally {
    if (!committed) await client.query('ROLLBACK')
    world.diary.note({ what: 'ended', call: second, root: second })
    ;(client as pg.PoolClient).release()
  }
}

function callOf(
  world: ProgramWorld,
  { row, table, updates }: CallPlan,
  call: string,
  body: (actor: Actor) => Promise<void>,
): Promise<void> {
  return world.syncproof.wrap((_row: string, _updates: unknown) => body({ call, root: call }), {
    name: 'shared_change',
    entity: (id) => ({ type: table, id }),
    idempotencyKey: () => call,
  })(row, updates)
}

async function change(
  world: ProgramWorld,
  plan: CallPlan,
  actor: Actor,
  from: SqlRows,
  to: SqlRows,
): Promise<void> {
  const existing = await world.sqlRows(from, actor).read(plan.row)
  if (!existing) return
  await pause(plan.pauseMs)
  const set = changeOf({ ...plan, change: plan.change === 'increment' ? 'derived' : plan.change }, existing)
  await world.sqlRows(to, actor).update(plan.row, set)
}
