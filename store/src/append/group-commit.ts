import type { Pool } from 'pg'
import type { Database } from '../database.ts'
import { StoreUnavailableError } from '../errors.ts'
import { appendOne, withPartitions } from './append-one.ts'
import { type Appended, type Batch, LANES, laneOf } from './batch.ts'
import { copyGroup, type NumberedBatch } from './copy-group.ts'
import { numbersOf } from './numbers.ts'

/** Events of one transaction: a few hundred milliseconds of a slow disk, and some MB of text. */
const GROUP_EVENTS_MAX = 5_000

interface Waiting {
  readonly batch: Batch
  resolve(appended: Appended): void
  reject(error: unknown): void
}

/** Appends batches, those of a lane one group after the other: what comes while one is on its way to the disk goes with
 *  the next. Nothing waits for company; how much may wait is the caller's to bound. */
export class GroupCommit {
  readonly #db: Database
  readonly #pool: Pool
  readonly #lanes: readonly { readonly waiting: Waiting[]; busy: boolean }[]

  /** @param db and `pool` lead to one PostgreSQL */
  constructor(db: Database, pool: Pool) {
    this.#db = db
    this.#pool = pool
    this.#lanes = Array.from({ length: LANES }, () => ({ waiting: [], busy: false }))
  }

  append(batch: Batch): Promise<Appended> {
    // a heartbeat waits for no lane
    if (batch.events.length === 0) return appendOne(this.#db, batch)
    const lane = this.#lanes[laneOf(batch)]
    if (!lane) throw new Error(`${batch.process.id} is no UUID`)
    return new Promise((resolve, reject) => {
      lane.waiting.push({ batch, resolve, reject })
      if (!lane.busy) void this.#run(lane)
    })
  }

  async #run(lane: { readonly waiting: Waiting[]; busy: boolean }): Promise<void> {
    lane.busy = true
    try {
      while (lane.waiting.length > 0) await this.#commit(takeGroup(lane.waiting))
    } finally {
      lane.busy = false
    }
  }

  async #commit(group: readonly Waiting[]): Promise<void> {
    const numbered: { readonly waiting: Waiting; readonly batch: NumberedBatch }[] = []
    const alone: Waiting[] = []
    for (const waiting of group) {
      const seen = numbersOf(waiting.batch.events)
      if (seen === undefined) alone.push(waiting)
      else numbered.push({ waiting, batch: { ...waiting.batch, seen } })
    }
    // rows of processes are written in one order, whoever else writes some of them
    numbered.sort((a, b) => (a.batch.process.id < b.batch.process.id ? -1 : 1))
    if (numbered.length > 0) {
      const batches = numbered.map(({ batch }) => batch)
      const events = batches.flatMap((batch) => batch.events)
      try {
        const stored = await withPartitions(this.#db, events, () => copyGroup(this.#pool, batches))
        for (const [place, { waiting }] of numbered.entries())
          if (stored[place]) waiting.resolve({ accepted: waiting.batch.events.length, duplicates: 0 })
          else alone.push(waiting)
      } catch (error) {
        // one of them holds what PostgreSQL refuses, or an id that is there: the others must not pay for it
        const isOfOne = !(error instanceof StoreUnavailableError)
        for (const { waiting } of numbered)
          if (isOfOne) alone.push(waiting)
          else waiting.reject(error)
      }
    }
    for (const { batch, resolve, reject } of alone) await appendOne(this.#db, batch).then(resolve, reject)
  }
}

/** The first ones, of each process one: whether its second one is new is not known before the first is stored. */
function takeGroup(waiting: Waiting[]): readonly Waiting[] {
  const group: Waiting[] = []
  const rest: Waiting[] = []
  const processes = new Set<string>()
  let events = 0
  for (const each of waiting.splice(0)) {
    const { projectId, process } = each.batch
    const name = `${projectId} ${process.id}`
    const fits = group.length === 0 || events + each.batch.events.length <= GROUP_EVENTS_MAX
    if (fits && !processes.has(name)) {
      group.push(each)
      events += each.batch.events.length
    } else rest.push(each)
    processes.add(name)
  }
  waiting.push(...rest)
  return group
}
