import { parseArgs } from 'node:util'
import type { StoredEvent } from '@syncproof/core/contract'
import { detectionRules, detectOperation } from '@syncproof/core/detection'
import type { NeighbourRow } from '@syncproof/store'
import { decode, historyText, operationIdOf, processReport, rowOf } from './histories.ts'

const { values } = parseArgs({ options: { operations: { type: 'string', default: '10000000' } } })
const OPERATIONS = Number(values.operations)
const ENTITIES = 1_000_000
/** What one step of the store hands over. */
const BATCH = 1_000
/** Each mark is the mean over the operations just before it. */
const SAMPLE = 10_000
const MARKS = [1e4, 1e5, 1e6, 1e7].filter((mark) => mark <= OPERATIONS)
/** Twice the spread of two marks of one age on a quiet machine. */
const FLAT = 1.25

interface Cost {
  judgeMs: number
  decodeMs: number
  findings: number
}

/** Each operation on an entity of its own until all have had one; then each has the one before it as a neighbour. */
function spread(number: number) {
  return {
    entity: number % ENTITIES,
    age: Math.floor(number / ENTITIES),
    neighbours: number < ENTITIES ? 0 : 1,
  }
}

/** All on one entity: as many neighbours as the limit allows. */
function hot(number: number) {
  return { entity: 0, age: number, neighbours: Math.min(number, detectionRules.limits.neighboursMax) }
}

type Place = ReturnType<typeof spread>

/** Decodes and judges the operations from `from` on, one after the other, as the reconciler does: links, then detectors. */
function run(from: number, count: number, placeOf: (number: number) => Place): Cost {
  const cost: Cost = { judgeMs: 0, decodeMs: 0, findings: 0 }
  for (let first = from; first < from + count; first += BATCH) {
    const numbers = Array.from({ length: Math.min(BATCH, from + count - first) }, (_, index) => first + index)
    const texts = numbers.map((number) => textOf(number, placeOf))
    const shared = new Map(
      neighboursOf(numbers, placeOf).map((number) => [number, neighbour(number, placeOf)]),
    )
    const startMs = performance.now()
    const decoded = texts.map(decode)
    const decodedMs = performance.now()
    for (const [index, number] of numbers.entries()) {
      const step = placeOf === hot ? 1 : ENTITIES
      const neighbours = Array.from({ length: placeOf(number).neighbours }, (_, n) =>
        shared.get(number - (n + 1) * step),
      )
      cost.findings += judge(
        number,
        decoded[index] ?? [],
        neighbours.filter((row) => row !== undefined),
      )
    }
    cost.decodeMs += decodedMs - startMs
    cost.judgeMs += performance.now() - decodedMs
  }
  return cost
}

function judge(number: number, events: readonly StoredEvent[], neighbours: readonly NeighbourRow[]): number {
  const row = rowOf(number, events, neighbours)
  for (const event of events) detectionRules.linksOf(event)
  detectionRules.linksWanted(row, 1)
  const { findings, failures } = detectOperation(row)
  if (failures[0]) throw failures[0].error
  return findings.length
}

function textOf(number: number, placeOf: (number: number) => Place): string {
  const { entity, age } = placeOf(number)
  return historyText(number, entity, age)
}

function neighbour(number: number, placeOf: (number: number) => Place): NeighbourRow {
  const events = decode(textOf(number, placeOf))
  return { operationId: operationIdOf(number), process: processReport, events, complete: true }
}

function neighboursOf(numbers: readonly number[], placeOf: (number: number) => Place): readonly number[] {
  const step = placeOf === hot ? 1 : ENTITIES
  const wanted = numbers.flatMap((number) =>
    Array.from({ length: placeOf(number).neighbours }, (_, index) => number - (index + 1) * step),
  )
  return [...new Set(wanted)]
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

function us(ms: number, count: number): string {
  return ((ms * 1_000) / count).toFixed(2)
}

const count = (number: number) => number.toLocaleString('en-US')

say(
  `all detectors, ${count(OPERATIONS)} operations of 5 events on ${count(ENTITIES)} entities, one core, Node ${process.version}`,
)
run(0, 2 * SAMPLE, spread)
const total: Cost = { judgeMs: 0, decodeMs: 0, findings: 0 }
const marks: number[] = []
say('\n  operations so far   judging us/op   decoding us/op')
for (let done = 0; done < OPERATIONS; done += SAMPLE) {
  const cost = run(done, SAMPLE, spread)
  for (const member of ['judgeMs', 'decodeMs', 'findings'] as const) total[member] += cost[member]
  if (!MARKS.includes(done + SAMPLE)) continue
  marks.push(cost.judgeMs)
  say(
    `  ${count(done + SAMPLE).padStart(17)}   ${us(cost.judgeMs, SAMPLE).padStart(13)}   ${us(cost.decodeMs, SAMPLE).padStart(14)}`,
  )
}
say(
  `\njudging:  ${count(Math.round((OPERATIONS / total.judgeMs) * 1_000))} operations/s (${us(total.judgeMs, OPERATIONS)} us each), ${count(total.findings)} sightings`,
)
say(
  `decoding: ${count(Math.round((OPERATIONS / total.decodeMs) * 1_000))} operations/s (${us(total.decodeMs, OPERATIONS)} us each), apart`,
)
say(`from the first mark to the last: ${flatness(marks)}`)

say(
  `\none hot entity, ${detectionRules.limits.neighboursMax} neighbours each\n\n    past operations   judging us/op`,
)
const ages = [100, 1e4, 1e6].map((age) => ({ age, ms: run(age, SAMPLE, hot).judgeMs }))
for (const { age, ms } of ages) say(`  ${count(age).padStart(17)}   ${us(ms, SAMPLE).padStart(13)}`)
say(`\nfrom the youngest to the oldest: ${flatness(ages.map(({ ms }) => ms))}`)

function flatness(costs: readonly number[]): string {
  const ratio = (costs.at(-1) ?? 0) / (costs[0] ?? 1)
  return `x ${ratio.toFixed(2)}, ${ratio <= FLAT ? 'flat' : 'NOT FLAT'}`
}
