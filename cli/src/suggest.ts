/** The candidate that `text` is most likely a slip of; undefined where none is near. */
export function nearest(text: string, candidates: readonly string[]): string | undefined {
  const near = candidates
    .map((candidate) => ({ candidate, distance: slips(text.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ candidate, distance }) => distance <= Math.max(1, Math.floor(candidate.length / 3)))
  return near.sort((a, b) => a.distance - b.distance)[0]?.candidate
}

/** ` Did you mean …?`, or nothing. */
export function suggestion(text: string, candidates: readonly string[], prefix = ''): string {
  const candidate = nearest(text, candidates)
  return candidate === undefined ? '' : ` Did you mean ${prefix}${candidate}?`
}

/** Characters to insert, delete, replace or swap with their neighbour (optimal string alignment). */
function slips(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1
      let cost = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + same)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, (beforeLast[j - 2] ?? 0) + 1)
      }
      row.push(cost)
    }
    beforeLast = last
    last = row
  }
  return last[b.length] ?? 0
}
