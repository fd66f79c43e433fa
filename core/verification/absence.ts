import type { StoredEvent } from '../contract/index.ts'

/** The sequence numbers from one to the other that no event of the witness has, as `41, 43–46`; empty where it has
 *  them all. Whether something stood there, only the books of the process say. */
export function unseen(events: readonly StoredEvent[], process: string, from: number, to: number): string {
  const seqs = events.filter(({ process_id }) => process_id === process).map(({ seq }) => seq)
  const within = [...new Set(seqs)].filter((seq) => seq > from && seq < to).sort((a, b) => a - b)
  const edges = [seqs.includes(from) ? from : from - 1, ...within, seqs.includes(to) ? to : to + 1]
  return edges
    .slice(1)
    .flatMap((next, index) => gap((edges[index] ?? next) + 1, next - 1))
    .join(', ')
}

function gap(first: number, last: number): string[] {
  if (last < first) return []
  return [first === last ? `${first}` : `${first}–${last}`]
}
