import { ListingError, type RecordBatch } from '@syncproof/core/comparison'

export interface Held {
  /** How messages name the system. */
  readonly name: string
  /** What its setting is called that may be wrong. */
  readonly mend: string
  /** How many records the system has; undefined where it does not say. */
  readonly count: (() => Promise<number>) | undefined
  /** Records of the same listing that were read before. */
  readonly before?: number
}

/** A listing that ends only where it has as many records as its system counts. It is asked before and after, and the lesser
 *  counts: what came or went meanwhile may be in one of them alone.
 *  @throws ListingError `truncated` at the end */
export async function* heldToCount(
  listing: AsyncIterable<RecordBatch>,
  { name, mend, count, before = 0 }: Held,
): AsyncGenerator<RecordBatch> {
  const first = await count?.()
  let listed = before
  for await (const batch of listing) {
    listed += batch.records.length
    yield batch
  }
  if (first === undefined || count === undefined) return
  const counted = Math.min(first, await count())
  if (listed >= counted) return
  throw new ListingError('truncated', `${name} counts ${counted} records and listed ${listed}. ${mend}`)
}
