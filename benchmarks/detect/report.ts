import type { Round } from './rounds.ts'

/** Twice the spread of two marks on a quiet machine. */
const FLAT = 1.25

const TIMES = ['judgeUs', 'decodeUs', 'floorUs'] as const

/** Other work on the machine only adds: half of the steps were faster than the median, and `quiet` is the mean of the
 *  fastest tenth. */
export function typical(rounds: readonly Round[], member: (typeof TIMES)[number]) {
  const sorted = rounds.map((round) => round[member]).sort((a, b) => a - b)
  const tenth = sorted.slice(0, Math.ceil(sorted.length / 10))
  return {
    median: sorted[Math.floor(sorted.length / 2)] ?? Number.NaN,
    quiet: tenth.reduce((sum, us) => sum + us, 0) / tenth.length,
  }
}

/** @param each divides it: operations of a step, where the member counts the whole step */
export function mean(rounds: readonly Round[], member: keyof Round, each = 1): number {
  return rounds.reduce((sum, round) => sum + round[member], 0) / rounds.length / each
}

export function head(name: string): string {
  const columns = ['judging', 'decoding', 'floor'].map((text) => text.padStart(17)).join('')
  return `  ${''.padStart(17)}${columns}\n  ${name.padStart(17)}${'median'.padStart(9).concat('quiet'.padStart(8)).repeat(3)}`
}

export function lineOf(name: string, rounds: readonly Round[], rest: string): string {
  const columns = TIMES.map((member) => {
    const { median, quiet } = typical(rounds, member)
    return median.toFixed(2).padStart(9) + quiet.toFixed(2).padStart(8)
  })
  return `  ${name.padStart(17)}${columns.join('')}   ${rest}`
}

/** Of what costs as much at the end as at the beginning, whatever else the machine did in between. */
export function flatness(marks: readonly (readonly Round[])[]): string {
  const [first, last] = [marks[0] ?? [], marks.at(-1) ?? []].map((rounds) => typical(rounds, 'judgeUs'))
  if (!first || !last) return 'not measured'
  const [quiet, median] = [last.quiet / first.quiet, last.median / first.median]
  return `x ${quiet.toFixed(2)} by the quiet tenth, x ${median.toFixed(2)} by the median: ${quiet <= FLAT ? 'flat' : 'NOT FLAT'}`
}

export function count(number: number): string {
  return Math.round(number).toLocaleString('en-US')
}
