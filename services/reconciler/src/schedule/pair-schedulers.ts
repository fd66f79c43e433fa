import type { Context } from '../context.ts'
import { limits } from '../limits.ts'
import type { Queues, Scheduler } from '../queues.ts'

/** Makes the queue's job schedulers those of the pairs that the store has a schedule for. Each only asks, several times
 *  an interval, whether its pair is due: the store says so, and to one asker alone. What a flushed queue has lost, or a
 *  pair that is gone has left behind, is made good here. */
export async function keepSchedulers(context: Context, queues: Queues): Promise<void> {
  const wanted = (await context.store.reports.schedules(context.projectId)).map(
    ({ pair, everyMs }): Scheduler => ({
      id: idOf(context, pair),
      everyMs: askingMs(everyMs),
      name: 'due',
      data: { pair },
    }),
  )
  const there = new Map((await queues.schedulers()).map(({ id, everyMs }) => [id, everyMs]))
  for (const scheduler of wanted) {
    // put again as it is, its next job would be made anew with every sweep
    if (there.get(scheduler.id) !== scheduler.everyMs) await queues.addScheduler(scheduler)
    there.delete(scheduler.id)
  }
  for (const id of there.keys()) {
    if (id.startsWith(idOf(context, ''))) await queues.removeScheduler(id)
  }
}

/** Projects that share a queue leave each other's alone. */
function idOf({ projectId }: Context, pair: string): string {
  return `pair/${encodeURIComponent(projectId)}/${encodeURIComponent(pair)}`
}

/** A run that somebody asked for moves the next one, and a long run puts it off: a scheduler that ticked once an interval
 *  would then be up to a whole one late. */
function askingMs(everyMs: number): number {
  return Math.min(
    Math.max(Math.round(everyMs / limits.dueAsksPerRun), limits.dueAskMsMin),
    limits.dueAskMsMax,
  )
}
