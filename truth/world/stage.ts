import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ProcessReport, StoredEvent } from '@syncproof/core/contract'
import type { CallPlan } from '../plan/call.ts'
import type { GroupPlan } from '../plan/round.ts'
import { Ats, type AtsEntry } from './ats.ts'
import { Database, type HistoryRow } from './database.ts'
import { type Diaries, Programs } from './programs.ts'
import { Sink } from './sink.ts'

/** What was planned, what happened, and what was reported of it. */
export interface Round {
  readonly plans: ReadonlyMap<string, CallPlan>
  readonly history: readonly HistoryRow[]
  readonly requests: readonly AtsEntry[]
  readonly diaries: Diaries
  readonly events: readonly StoredEvent[]
  readonly processes: ReadonlyMap<string, ProcessReport>
}

/** No process was killed in it: every event that there was is there. */
export function isWhole({ diaries }: Round): boolean {
  return diaries.every((lines) => lines.every(({ what }) => what !== 'died'))
}

/** Calls that one process makes at once. */
const AT_ONCE = 12

/** A real PostgreSQL, another system, a collector's ear, and processes of the app. */
export class Stage {
  readonly #database: Database
  readonly #ats: Ats
  readonly #sink: Sink
  readonly #programs: Programs
  readonly #folder: string

  private constructor(database: Database, ats: Ats, sink: Sink, programs: Programs, folder: string) {
    this.#database = database
    this.#ats = ats
    this.#sink = sink
    this.#programs = programs
    this.#folder = folder
  }

  /** @param url of an empty database */
  static async open(url: string, processes: number): Promise<Stage> {
    const folder = await mkdtemp(join(tmpdir(), 'syncproof-truth-'))
    const [database, ats, sink] = await Promise.all([Database.create(url), Ats.start(), Sink.start()])
    const places = { database: url, ats: ats.url, collector: sink.url }
    const programs = await Programs.start(processes, folder, places)
    return new Stage(database, ats, sink, programs, folder)
  }

  async play(groups: readonly GroupPlan[]): Promise<Round> {
    for (const table of new Set(groups.map((group) => group.table))) {
      const ids = groups.filter((group) => group.table === table).flatMap(({ rows }) => rows)
      await this.#database.addRows(table, ids)
    }
    await this.#database.takeHistory()
    const lists = Array.from({ length: this.#programs.count }, (): CallPlan[] => [])
    for (const [index, { calls }] of groups.entries())
      for (const [place, call] of calls.entries()) lists[(index + place) % lists.length]?.push(call)
    await this.#programs.make(lists, AT_ONCE)
    const requests = await this.#ats.takeLog()
    const history = await this.#database.takeHistory()
    await this.#database.clear()
    return {
      plans: new Map(groups.flatMap(({ calls }) => calls.map((call) => [call.key, call]))),
      history,
      requests,
      diaries: this.#programs.takeDiaries(),
      events: this.#sink.takeEvents(),
      processes: this.#sink.processes,
    }
  }

  async close(): Promise<void> {
    await this.#programs.close()
    await Promise.all([this.#database.close(), this.#ats.close(), this.#sink.close()])
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
