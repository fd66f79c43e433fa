import type { RecordBatch, SourceRecord } from '@syncproof/core/comparison'

export const BATCH_RECORDS_MAX = 1_000

/** Records in batches of `BATCH_RECORDS_MAX`. Throws the signal's reason between two: a listing that was told to
 *  stop must not look like one that has ended. */
export function* inBatches(records: readonly SourceRecord[], signal: AbortSignal): Generator<RecordBatch> {
  for (let at = 0; at < records.length; at += BATCH_RECORDS_MAX) {
    signal.throwIfAborted()
    yield { records: records.slice(at, at + BATCH_RECORDS_MAX) }
  }
}
