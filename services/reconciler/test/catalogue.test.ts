import type { DetectedFinding, FindingKind, StoredEvent } from '@syncproof/core/contract'
import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { judgeArrivals } from '../../../core/detection/testing/assemble.ts'
import { examples } from '../../../core/detection/testing/examples.ts'
import { simulatedProcess } from '../../../core/detection/testing/simulated-world.ts'
import { simulation } from '../../../core/detection/testing/simulation.ts'
import { PROJECT } from './support/events.ts'
import { relocate } from './support/relocate.ts'
import { openWorld, type World } from './support/world.ts'

let world: World
afterEach(() => world.close())

/** The store answers these only when it knows that every process told everything. */
const NOT_FROM_EVENTS: readonly FindingKind[] = ['unobserved-write']

for (const transport of ['PostgreSQL', 'PGlite'] as const) {
  describe(`the catalogue on ${transport}`, () => {
    it('finds each kind in the shortest history that shows it, whichever of two operations comes last', async () => {
      world = await openWorld(transport, [])
      await world.start()
      const kinds = (Object.keys(examples) as FindingKind[]).filter((kind) => !NOT_FROM_EVENTS.includes(kind))
      for (const [number, kind] of kinds.entries()) {
        const example = examples[kind]
        const end = example?.processEnd ? [example.processEnd.event] : []
        const operations = [example, ...(example?.neighbours ?? [])].map((each) => each?.events ?? [])
        const ordered = number % 2 === 0 ? operations : operations.reverse()
        const moved = relocate([...ordered.flat(), ...end], number)
        for (const event of withoutGaps(moved)) await append([event])
      }
      await drained()
      const found = new Set((await world.findings()).map(({ kind }) => kind))
      expect(kinds.filter((kind) => !found.has(kind))).toEqual([])
    }, 60_000)

    it('says of simulated traffic what the detectors say of it in memory, in any order and any batches', async () => {
      world = await openWorld(transport, [])
      const seed = Number(process.env.CATALOGUE_SEED ?? Date.now() % 1_000_000)
      const runs = fc.sample(simulation, { numRuns: transport === 'PGlite' ? 25 : 60, seed })
      const all = runs.flatMap(({ events }, number) => relocate(events, number))
      const batches = shuffledBatches(all, seed)
      await world.start()
      for (const batch of batches) await append(batch)
      await drained()
      const expected = alarming([...judgeArrivals([all]).findings.values()])
      expect(expected.length).toBeGreaterThan(5)
      expect(alarming(await allFindings()), `CATALOGUE_SEED=${seed}`).toEqual(expected)
    }, 120_000)
  })
}

/** Proven ones, and those about two operations, which nothing later settles. */
function alarming(findings: readonly DetectedFinding[]): string[] {
  const lasting: readonly FindingKind[] = ['lock-void', 'reordered-sync', 'duplicate-create']
  return findings
    .filter(({ kind, verdict }) => verdict === 'proven' || lasting.includes(kind))
    .map(({ kind, id, verdict, fields }) => `${kind} ${id} ${verdict} ${fields}`)
    .sort()
}

async function allFindings(): Promise<readonly DetectedFinding[]> {
  const found: DetectedFinding[] = []
  let cursor: string | undefined
  do {
    const page = await world.store.findings.list(PROJECT, {}, { limit: 500, cursor })
    found.push(...page.items)
    cursor = page.next_cursor ?? undefined
  } while (cursor !== undefined)
  return found
}

async function append(events: readonly StoredEvent[]): Promise<void> {
  for (const [processId, own] of Map.groupBy(events, (event) => event.process_id)) {
    const sent = own.map(({ process_id: _, ...event }) => event)
    await world.store.events.append(PROJECT, simulatedProcess(processId), sent as never)
  }
}

async function drained(): Promise<void> {
  await vi.waitFor(
    async () =>
      expect(await world.store.detection.lag(), world.logged.join('\n')).toMatchObject({ events: 0 }),
    { timeout: 60_000, interval: 100 },
  )
}

/** A sequence that begins at 0, as a process numbers what it makes. */
function withoutGaps(events: readonly StoredEvent[]): readonly StoredEvent[] {
  const order = [...events].sort((a, b) => a.seq - b.seq).map(({ id }) => id)
  return events.map((event) => ({
    ...event,
    seq: order.indexOf(event.id),
    ...(event.kind === 'process_ended' && { last_seq: order.indexOf(event.id) }),
  }))
}

function shuffledBatches(events: readonly StoredEvent[], seed: number): readonly (readonly StoredEvent[])[] {
  const doubled = [...events, ...events.slice(0, 50)]
  const [shuffled = []] = fc.sample(fc.shuffledSubarray(doubled, { minLength: doubled.length }), {
    numRuns: 1,
    seed,
  })
  return Array.from({ length: Math.ceil(shuffled.length / 97) }, (_, n) =>
    shuffled.slice(n * 97, (n + 1) * 97),
  )
}
