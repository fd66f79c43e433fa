import type { RecordBatch, SourceRecord } from '@syncproof/core/comparison'

export const BATCH_RECORDS_MAX = 1_000

/** Records in key order in batches of `BATCH_RECORDS_MAX`, each with its last key as the position. Throws the signal's reason between two: a listing that was told to
 *  stop must not look like one that has ended. */
export function* inBatches(records: readonly SourceRecord[], signal: AbortSignal): Generator<RecordBatch> {
  for (let at = 0; at < records.length; at += BATCH_RECORDS_MAX) {
    signal.throwIfAborted()
    const batch = records.slice(at, at + BATCH_RECORDS_MAX)
    const position = batch.at(-1)?.key
    yield position === undefined ? { records: batch } : { records: batch, position }
  }
}
