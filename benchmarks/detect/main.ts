import { parseArgs } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { count, flatness, head, lineOf, mean, typical } from './report.ts'
import { checkSearches, playerOf, type Round } from './rounds.ts'
import { shares } from './scenes.ts'
import { BLOCK, ENTITIES_A_BLOCK, hot, mixed, STEP } from './traffic.ts'

const { values } = parseArgs({ options: { operations: { type: 'string', default: '2000000' } } })
const OPERATIONS = Number(values.operations)
const ENTITIES = 1_000_000
const WANTED_A_SECOND = 100_000
/** A mark is taken from so many steps, the last ones before it. */
const MARK_STEPS = 10_000 / STEP
const MARKS = [1e4, 1e5, 1e6, 1e7].filter((mark) => mark <= OPERATIONS)
/** Operations that the hot entity had before. */
const PASTS = [0, 1e4, 1e6]
const HOT_STEPS = 100
const WARM_UP_STEPS = 250

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

function say(line = ''): void {
  process.stdout.write(`${line}\n`)
}

function heapMb(): number {
  collectGarbage()
  return process.memoryUsage().heapUsed / 1e6
}

const traffic = mixed(ENTITIES)
const play = playerOf(traffic)
for (let step = 0; step < WARM_UP_STEPS; step += 1) play(step)

const entities = Math.min(ENTITIES, Math.ceil(OPERATIONS / BLOCK) * ENTITIES_A_BLOCK)
say(
  `every detector, ${count(OPERATIONS)} operations on ${count(entities)} entities, one thread, Node ${process.version}`,
)
say(
  `us of the processor for each operation: the median step of ${STEP} operations, the mean of the quietest tenth of the steps\n`,
)
for (const { name, share } of shares(BLOCK)) say(`  ${(100 * share).toFixed(1).padStart(5)} %  ${name}`)
say()

say(head('operations so far'))
const all: Round[] = []
const marks: (readonly Round[])[] = []
const heapsMb: number[] = []
for (let step = 0; step * STEP < OPERATIONS; step += 1) {
  all.push(play(step))
  if (!MARKS.includes((step + 1) * STEP)) continue
  checkSearches(traffic, step)
  const last = all.slice(-MARK_STEPS)
  marks.push(last)
  heapsMb.push(heapMb())
  say(
    lineOf(
      count((step + 1) * STEP),
      last,
      `${mean(last, 'neighbours', STEP).toFixed(2)} neighbours, heap ${heapsMb.at(-1)?.toFixed(1)} MB`,
    ),
  )
}
say(lineOf('all', all, `${mean(all, 'neighbours', STEP).toFixed(2)} neighbours`))

const judging = typical(all, 'judgeUs')
const decoding = typical(all, 'decodeUs')
const floor = typical(all, 'floorUs')
say()
say(
  `judging     ${count(1e6 / judging.median)} operations/s, ${count(1e6 / judging.quiet)} in the quiet tenth, ${count(1e6 / mean(all, 'judgeUs'))} on the mean; wanted: ${count(WANTED_A_SECOND)}`,
)
say(
  `            x ${(judging.median / decoding.median).toFixed(2)} of the JSON.parse of the same rows, x ${(judging.median / floor.median).toFixed(1)} of one walk over their events`,
)
say(
  `found       ${mean(all, 'findings', STEP).toFixed(2)} sightings an operation; ${(100 * mean(all, 'clean', STEP)).toFixed(0)} % of the operations show nothing`,
)
say(`from the first mark to the last: ${flatness(marks)}`)
say(
  `heap        ${((heapsMb.at(-1) ?? 0) - (heapsMb[0] ?? 0)).toFixed(1)} MB more at the last mark than at the first, garbage collected`,
)

say(`\none hot entity, every operation in its one exclusive section; rounds interleaved\n`)
say(head('past operations'))
const players = PASTS.map((past) => playerOf(hot(past)))
const hotRounds: Round[][] = PASTS.map(() => [])
for (let step = -WARM_UP_STEPS / 5; step < HOT_STEPS; step += 1)
  for (const [index, playHot] of players.entries()) {
    const round = playHot(Math.abs(step))
    if (step >= 0) hotRounds[index]?.push(round)
  }
for (const [index, rounds] of hotRounds.entries())
  say(lineOf(count(PASTS[index] ?? 0), rounds, `${mean(rounds, 'neighbours', STEP).toFixed(1)} neighbours`))
say(`\nfrom the youngest to the oldest: ${flatness(hotRounds)}`)
