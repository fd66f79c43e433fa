import type { CallPlan } from '../plan/call.ts'
import { Calls } from './calls.ts'
import { deliverOne } from './courier.ts'
import { type Places, ProgramWorld } from './world.ts'

/** A process of the app. Told its places once, then calls to make; it answers when they are made, their syncs delivered
 *  and their events sent. */
export type Order =
  | { readonly order: 'open'; readonly places: Places }
  | { readonly order: 'make'; readonly calls: readonly CallPlan[]; readonly atOnce: number }
  | { readonly order: 'deliver' }
  | { readonly order: 'close' }

let world: ProgramWorld | undefined
let calls: Calls | undefined

async function obey(order: Order): Promise<void> {
  if (order.order === 'open') {
    world = new ProgramWorld(order.places)
    calls = new Calls(world)
  }
  if (order.order === 'make') await makeAll(order.calls, order.atOnce)
  if (order.order === 'deliver') while (world && (await deliverOne(world))) {}
  if (order.order === 'close') await world?.close()
  else await world?.syncproof.flush()
}

async function makeAll(plans: readonly CallPlan[], atOnce: number): Promise<void> {
  let next = 0
  const run = async () => {
    for (let plan = plans[next]; plan; plan = plans[next]) {
      next += 1
      await calls?.make(plan)
      // now and then, so that deliveries and changes mix
      if (world && plan.pauseMs === 0) await deliverOne(world)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, run))
}

process.on('message', (order: Order) => {
  obey(order).then(
    () =>
      process.send?.(
        { done: order.order },
        undefined,
        undefined,
        order.order === 'close' ? () => process.disconnect() : undefined,
      ),
    (error: unknown) => process.send?.({ failed: String((error as Error)?.stack ?? error) }),
  )
})

// whoever started it is gone
process.on('disconnect', () => process.exit())
