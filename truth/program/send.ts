import type { CallPlan } from '../plan/call.ts'
import type { Values } from '../world/row.ts'
import { AtsError } from './ats-client.ts'
import type { Actor } from './recorded-rows.ts'
import type { ProgramWorld } from './world.ts'

/** What goes to the other system of one record. */
export interface Message {
  readonly record: string
  readonly fields: Values
}

/** Sends, and sends again where the plan says so. @throws where the plan does not take a failure lightly */
export async function send(
  world: ProgramWorld,
  plan: CallPlan,
  actor: Actor,
  { record, fields }: Message,
  created = false,
  carries = actor.call,
): Promise<void> {
  const client = world.ats[plan.client]
  for (const [index, answer] of [...plan.answers, 'ok' as const].entries()) {
    const request = `${actor.call}#${index}`
    world.diary.note({ what: 'sending', ...actor, request, record, fields, created, carries })
    try {
      if (created) await client.create(record, fields, { request, answer })
      else await client.update(record, fields, { request, answer })
      world.diary.note({ what: 'answered', request, status: 200 })
      return
    } catch (error) {
      const status = error instanceof AtsError ? error.status : null
      world.diary.note({ what: 'answered', request, status })
      if (plan.onFailure === 'throw') throw error
      if (plan.onFailure === 'ignore') return
    }
  }
}
