/** Bounds of what is looked at for one operation. What falls outside of them can hide a finding, never make one, and
 *  keeps the cost of an event apart from the age of its entity. */
export const limits = {
  /** From an operation to another one over shared links (links.ts). An older and a newer version of a row, one
   *  version between them, and an outbox that sends each of the two, are 4 hops from end to end. */
  hopsMax: 4,
  /** Other operations that one operation is judged with. */
  neighboursMax: 32,
  /** Events that one link finds before the operation, and as many after it: those nearest in time. */
  eventsPerLinkMax: 16,
  /** How far apart the events of two operations may be: an outbox that was stuck for that long. */
  linkWindowMs: 60 * 60 * 1000,
  /** From an older version to a newer one, in writes that replaced one another. */
  chainStepsMax: 2,
  /** Reads of one operation that are searched for a write skew. */
  skewReadsMax: 16,
} as const
