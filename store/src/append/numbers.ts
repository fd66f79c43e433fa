import type { AnyEvent } from './batch.ts'

/** The sequence numbers of a batch as an int8multirange, such as `{[0,5),[7,8)}`; undefined where an id or a number comes
 *  twice: which of the two counts is decided event by event. */
export function numbersOf(events: readonly AnyEvent[]): string | undefined {
  if (new Set(events.map(({ id }) => id)).size < events.length) return undefined
  const sorted = inOrder(events.map(({ seq }) => seq))
  const ranges: string[] = []
  let from = sorted[0] ?? 0
  for (const [place, seq] of sorted.entries()) {
    const next = sorted[place + 1]
    if (next === seq) return undefined
    if (next === seq + 1) continue
    ranges.push(`[${from},${seq + 1})`)
    from = next ?? from
  }
  return `{${ranges.join(',')}}`
}

/** They nearly always are. */
function inOrder(numbers: number[]): number[] {
  const isSorted = numbers.every((number, place) => place === 0 || number >= (numbers[place - 1] ?? 0))
  return isSorted ? numbers : numbers.sort((a, b) => a - b)
}
