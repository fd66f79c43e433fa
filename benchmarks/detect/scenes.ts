import { type Call, calls, type Visit } from '../../tools/testing/sample-calls.ts'

/** What happens to one entity, or to one and the next: some calls, one after the other. */
export interface Scene {
  readonly name: string
  /** Of it in `traffic.ts`'s block of operations. */
  readonly times: number
  readonly entities: 1 | 2
  readonly play: (visit: Visit) => readonly Call[]
}

const again = (times: number, call: (visit: Visit, turn: number) => Call) => (visit: Visit) =>
  Array.from({ length: times }, (_, turn) => call(visit, turn))

/** Ordinary traffic of a service that syncs what it stores. The share of a scene is `times` by its calls. */
export const scenes: readonly Scene[] = [
  { name: 'reads a record', times: 60, entities: 1, play: again(1, calls.get) },
  { name: 'updates with a version guard, twice', times: 30, entities: 1, play: again(2, calls.guarded) },
  {
    name: 'reads, merges, writes and syncs, three times',
    times: 24,
    entities: 1,
    play: again(3, calls.merge),
  },
  {
    name: 'the same over an update that it had not read',
    times: 6,
    entities: 1,
    play: (visit) => [calls.merge(visit, 0), calls.lossy(visit, 1)],
  },
  {
    name: 'updates twice, an outbox sends both',
    ...{ times: 16, entities: 1 },
    play: (visit) => [0, 1].flatMap((turn) => [calls.due(visit, turn), calls.relay(visit, turn)]),
  },
  {
    name: 'creates what was not there, in both systems',
    times: 24,
    entities: 1,
    play: again(1, calls.create),
  },
  {
    name: 'updates in an exclusive section, three times',
    times: 12,
    entities: 1,
    play: again(3, calls.section),
  },
  {
    name: 'calls another wrapped function, which syncs',
    times: 14,
    entities: 1,
    play: (visit) => [calls.outer(visit, 0), calls.inner(visit, 0)],
  },
  {
    name: 'writes two records in a transaction, then syncs',
    times: 32,
    entities: 2,
    play: again(1, calls.transfer),
  },
  { name: 'a sync without an answer, tried again', times: 6, entities: 1, play: again(1, calls.retried) },
  { name: 'a sync without an answer', times: 4, entities: 1, play: again(1, calls.unanswered) },
  { name: 'a sync that is rejected', times: 2, entities: 1, play: again(1, calls.rejected) },
]

/** The share of each scene in the operations. @param operations of a block */
export function shares(operations: number): readonly { readonly name: string; readonly share: number }[] {
  return scenes.map(({ name, times, play }) => ({
    name,
    share: (times * play({ entity: 0, age: 0 }).length) / operations,
  }))
}
