/** An order of keys, by name. `integer`: by their value. `bytes`: by their UTF-8 bytes. Any other names one collation of
 *  one database product and version. Two sides may be taken apart into ranges by an order that both offer; what a range
 *  holds is listed by bytes in any case. */
export type KeyOrder = string

/** Keys with `from` ≤ key < `to` in an order; null is no bound. */
export interface KeyRange {
  readonly order: KeyOrder
  readonly from: string | null
  readonly to: string | null
}

/** The ranges that boundaries cut a range into: one more than there are boundaries. */
export function cutRange({ order, from, to }: KeyRange, boundaries: readonly string[]): readonly KeyRange[] {
  const starts = [from, ...boundaries]
  const ends = [...boundaries, to]
  return starts.map((start, at) => ({ order, from: start, to: ends[at] ?? null }))
}
