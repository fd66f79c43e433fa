import type { ProcessReport, StoredEvent } from '../../contract/index.ts'
import { fingerprint, token } from './history-builder.ts'
import type { Operation } from './simulated-operation.ts'
import type { SectionRun } from './simulated-section.ts'
import type { AppliedSync } from './simulated-sync.ts'

/** What the simulated operations share: rows with versions, an external system, processes that report. */

export interface Truth {
  /** Event id of the write, to the fields that it lost. */
  readonly lostUpdates: Map<string, readonly string[]>
  /** Event id of a write that replaced what its operation had not seen and lost nothing, to the fields that had been
   *  changed. */
  readonly conflicts: Map<string, readonly string[]>
  /** Ids of writes in a section, by what was read in it, that replaced what their operation had not seen. */
  readonly voidWrites: Set<string>
  /** Names of the sections whose locking read locked nothing. */
  readonly voidLocks: Set<string>
  /** Tokens of versions that a writer who reports nothing had made, and that were replaced unseen. */
  readonly unobserved: Set<string>
  /** Writes that do not tell what they made: whoever made a version may be one of them. */
  blindSpots: number
  /** Operation and system that it left split from the database. */
  readonly partialWrites: Set<string>
  /** Operations of which the truth cannot be told from events alone. */
  readonly beyondEvents: Set<string>
  /** Key to the records that the system acknowledged to have made for it. */
  readonly created: Map<string, readonly string[]>
  /** Ids of the operations that never ended. */
  readonly orphans: Set<string>
}

/** One state of one row; its identity is the truth, its token what the SDK sees of it. */
export interface RowState {
  readonly key: string
  readonly values: Readonly<Record<string, number>>
  readonly token: string
  /** Later ones have greater ones. */
  readonly number: number
}

export interface Thread {
  canGoOn(): boolean
  step(): { done: boolean }
}

/** A step of an operation: it goes on when `until` says so, at once without one. */
export type Steps = Generator<(() => boolean) | undefined, void, void>

export interface World {
  tick: number
  readonly rows: Map<string, RowState>
  /** Row key to the thread that holds its lock. */
  readonly locks: Map<string, Thread>
  /** States that a writer made who reports nothing. */
  readonly unreported: Set<RowState>
  /** Section to the thread that is in it. */
  readonly held: Map<string, Thread>
  readonly operations: Operation[]
  readonly sections: SectionRun[]
  readonly applied: AppliedSync[]
  /** Of the external system: it counts what it applies. */
  revision: number
  readonly threads: Thread[]
  readonly events: StoredEvent[]
  readonly truth: Truth
  spawn(program: (thread: Thread) => Steps): Thread
  /** @returns the event's id */
  report(process: number, event: object): string
  replaceRow(key: string, values: Readonly<Record<string, number>>): RowState
  newId(): string
}

const START_MS = Date.UTC(2026, 10, 20, 12)

export function createWorld(): World {
  const sequences = new Map<number, number>()
  let ids = 0
  let versions = 0
  const world: World = {
    tick: 0,
    rows: new Map(),
    locks: new Map(),
    unreported: new Set(),
    held: new Map(),
    operations: [],
    sections: [],
    applied: [],
    revision: 0,
    threads: [],
    events: [],
    truth: {
      lostUpdates: new Map(),
      conflicts: new Map(),
      voidWrites: new Set(),
      voidLocks: new Set(),
      unobserved: new Set(),
      blindSpots: 0,
      partialWrites: new Set(),
      beyondEvents: new Set(),
      created: new Map(),
      orphans: new Set(),
    },
    spawn(program) {
      let until: (() => boolean) | undefined
      const thread: Thread = {
        canGoOn: () => until?.() ?? true,
        step() {
          const { done, value } = steps.next()
          until = value ?? undefined
          return { done: done === true }
        },
      }
      const steps = program(thread)
      world.threads.push(thread)
      return thread
    },
    report(process, event) {
      const seq = sequences.get(process) ?? 0
      sequences.set(process, seq + 1)
      const id = `018f0000-0000-7000-8000-${(ids++).toString(16).padStart(12, '0')}`
      const told = { id, seq, process_id: `process-${process}`, ...moment(world.tick), ...event }
      world.events.push({ ...told, ...onClocksOf(process, told) } as StoredEvent)
      return id
    },
    replaceRow(key, values) {
      const number = ++versions
      const state = { key, values, token: token(String(number), key), number }
      world.rows.set(key, state)
      return state
    },
    newId: () => `operation-${ids++}`,
  }
  for (const key of ['0', '1']) world.replaceRow(key, { a: 0, b: 0, n: 0, t: 0 })
  return world
}

/** On the clock of the world. */
export function moment(tick: number): { at: string; monotonic_us: number } {
  return { at: wallClock(tick), monotonic_us: tick * 1_000 }
}

/** Every run has the same few ticks. */
const wallClocks = new Map<number, string>()

function wallClock(ms: number): string {
  const known = wallClocks.get(ms)
  if (known !== undefined) return known
  const at = new Date(START_MS + ms).toISOString()
  wallClocks.set(ms, at)
  return at
}

/** The second process's wall clock is 7 seconds ahead, and its monotonic clock began at another time. */
const CLOCKS = [
  { aheadMs: 0, monotonicUs: 0 },
  { aheadMs: 7_000, monotonicUs: 123_456_000 },
] as const

function onClocksOf(process: number, { monotonic_us }: { monotonic_us: number }) {
  const clock = CLOCKS[process] ?? CLOCKS[0]
  return {
    at: wallClock(monotonic_us / 1_000 + clock.aheadMs),
    monotonic_us: monotonic_us + clock.monotonicUs,
  }
}

/** What a process tells of itself: it does not know its clock's error to the millisecond. */
export function simulatedProcess(id: string): ProcessReport {
  const { aheadMs } = CLOCKS[id.endsWith('1') ? 1 : 0]
  return { id, service: 'simulated', clock: { offset_ms: [-aheadMs - 1, -aheadMs + 1] } }
}

export function fingerprintsOf(values: Readonly<Record<string, number>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).map(([field, value]) => [field, fingerprint(String(value))]),
  )
}
