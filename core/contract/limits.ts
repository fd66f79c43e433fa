/** Bounds of the contract, the same for who sends and who accepts. */
export const limits = {
  /** One POST; more is 413. Large enough for a full queue flush, small enough to parse in about 50 ms. */
  bodyBytesMax: 4 * 1024 * 1024,
  /** After inflating; gzip rarely does better than 20:1 on events. */
  inflatedBytesMax: 16 * 1024 * 1024,
  eventsPerBatchMax: 2_000,
  /** Any string of an event. */
  stringLengthMax: 4_096,
  fieldsPerEventMax: 512,
  knownVersionsMax: 32,
  issuesPerEventMax: 64,
  /** JSON nesting of one event. */
  depthMax: 32,
  /** How far ahead of the collector's clock an event id may be. */
  eventAheadMsMax: 60 * 60 * 1000,
  /** A field whose canonical value is longer is reported as unreadable, not hashed: hashing blocks the host. */
  canonicalLengthMax: 256 * 1024,
} as const
