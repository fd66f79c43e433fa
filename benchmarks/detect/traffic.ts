import type { ProcessReport } from '@syncproof/core/contract'
import { type Call, calls } from '../../tools/testing/sample-calls.ts'
import { jsonbText } from './jsonb.ts'
import { type Scene, scenes } from './scenes.ts'

/** What one step of the store brings: some thousand events. */
export const STEP = 200
/** Traffic comes in blocks of so many operations, all made up alike: what belongs together lies within two steps, so
 *  that about half of it was judged the step before. */
export const BLOCK = 2 * STEP

/** An operation as the store has it: texts, to be decoded. */
export interface StoredOperation {
  readonly id: string
  readonly process: ProcessReport
  /** Payloads, a JSON array. */
  readonly events: string
  /** The same of the operation that it called; empty where there is none. */
  readonly family: string
}

/** A block's operations, in the order in which they began. @param block 0, 1, 2 … */
export type Traffic = (block: number) => readonly StoredOperation[]

/** Of an entity, between two blocks that go to it: more than any scene makes. */
const VERSIONS_A_VISIT = 4
const START_MS = Date.UTC(2026, 10, 20, 12)
/** From the beginning of one operation to the next one's: longer than one takes. */
const APART_MS = 50
const STEP_MS = 5
const END_MS = 40
const SEQS = 50

const processes: readonly ProcessReport[] = ['a', 'b', 'c', 'd'].map((letter) => ({
  ...{ id: `0193480c-0000-4000-8000-0000000000a${letter}`, service: 'candidate-api', release: 'abc123' },
  ...{ host: letter, clock: { offset_ms: [-1, 1] }, books: { produced: 1_000_000, dropped: {} } },
}))

const played: readonly Scene[] = scenes.flatMap((scene) => Array.from({ length: scene.times }, () => scene))

/** Entities of one block. */
export const ENTITIES_A_BLOCK = played.reduce((sum, scene) => sum + scene.entities, 0)

/** All scenes. Each block goes to entities of its own until so many have been visited, and then it begins again. */
export function mixed(entities: number): Traffic {
  const blocksARound = Math.ceil(entities / ENTITIES_A_BLOCK)
  const places = placesOf(played)
  return (block) => {
    const operations: StoredOperation[] = []
    const age = Math.floor(block / blocksARound) * VERSIONS_A_VISIT
    let entity = (block % blocksARound) * ENTITIES_A_BLOCK
    for (const [index, scene] of played.entries()) {
      store(operations, block * BLOCK, scene.play({ entity, age }), places[index] ?? [])
      entity += scene.entities
    }
    return operations
  }
}

/** One entity, all operations in one exclusive section of it. @param past how many it had before */
export function hot(past: number): Traffic {
  return (block) => {
    const operations: StoredOperation[] = []
    for (let at = 0; at < BLOCK; at += 1) {
      const call = calls.section({ entity: 0, age: past + block * BLOCK }, at)
      store(operations, block * BLOCK, [call], [at])
    }
    return operations
  }
}

/** Where in a block the calls of each scene begin: anywhere, in their order. The same in all blocks. */
function placesOf(all: readonly Scene[]): readonly (readonly number[])[] {
  const free = Array.from({ length: BLOCK }, (_, place) => place)
  // a fixed sequence, by Park and Miller's generator
  let random = 20_261_120
  const take = () => {
    random = (random * 48_271) % 2_147_483_647
    return free.splice(random % free.length, 1)[0] ?? 0
  }
  const places = all.map((scene) => {
    const { length } = scene.play({ entity: 0, age: 0 })
    return Array.from({ length }, take).sort((a, b) => a - b)
  })
  if (free.length > 0) throw new Error(`the scenes leave ${free.length} of ${BLOCK} places of a block free`)
  return places
}

interface Origin {
  readonly number: number
  readonly id: string
}

function store(
  into: StoredOperation[],
  first: number,
  scene: readonly Call[],
  places: readonly number[],
): void {
  const origins = places.map((place): Origin => ({ number: first + place, id: operationIdOf(first + place) }))
  const texts = scene.map((call, index) => textOf(call, origins[index], origins[index - 1]))
  for (const [index, place] of places.entries()) {
    // an operation runs in the process of its caller
    const turn = scene[index]?.inner ? index - 1 : index
    into[place] = {
      id: origins[index]?.id ?? '',
      process: processes[(first + (places[0] ?? 0) + turn) % processes.length] as ProcessReport,
      events: texts[index] ?? '',
      family: scene[index + 1]?.inner ? (texts[index + 1] ?? '') : '',
    }
  }
}

/** @param before the call before it, which it may belong to */
function textOf(
  { events, inner, relays }: Call,
  own: Origin | undefined,
  before: Origin | undefined,
): string {
  const { number = 0, id = '' } = own ?? {}
  // what was called ran while its caller did
  const origin = inner ? (before?.number ?? 0) : number
  const [seq, fromMs, endMs] = inner ? [SEQS / 2, 16, END_MS - 2] : [0, 0, END_MS]
  const payloads = events.map(({ sentMs, ...event }, index) => {
    const isEnd = index === events.length - 1
    const afterMs = isEnd ? endMs : fromMs + (sentMs ?? index * STEP_MS)
    return {
      id: `0193480c-5a10-7000-8${index}00-${hex(number)}`,
      seq: origin * SEQS + seq + (isEnd && !inner ? SEQS - 1 : index),
      at: new Date(START_MS + origin * APART_MS + afterMs).toISOString(),
      monotonic_us: (origin * APART_MS + afterMs) * 1_000,
      operation_id: id,
      ...event,
      ...(index === 0 && { root_operation_id: inner ? before?.id : id }),
      ...(index === 0 && inner && { parent_operation_id: before?.id }),
      ...('system' in event && event.system === 'ats' && relays && { on_behalf_of: before?.id }),
    }
  })
  return jsonbText(payloads)
}

function operationIdOf(number: number): string {
  return `0193480c-5a10-4c3e-9d51-${hex(number)}`
}

function hex(number: number): string {
  return number.toString(16).padStart(12, '0')
}
