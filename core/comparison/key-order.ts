/** Orders two keys by their UTF-8 bytes, as `COLLATE "C"` does. JS `<` compares UTF-16 units, which puts
 *  U+1F600 (a surrogate pair, 0xD83D…) before U+FF01, and UTF-8 puts it after. */
export function compareKeys(a: string, b: string): number {
  if (a === b) return 0
  const length = Math.min(a.length, b.length)
  for (let at = 0; at < length; at += 1) {
    const unitA = a.charCodeAt(at)
    const unitB = b.charCodeAt(at)
    if (unitA !== unitB) return codePointRank(unitA) - codePointRank(unitB)
  }
  return a.length - b.length
}

/** Surrogates stand for code points past U+FFFF, so they rank above every other unit. */
function codePointRank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit
}
