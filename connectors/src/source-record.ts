import type { SourceRecord } from '@syncproof/core/comparison'

/** What was read of a record. */
interface Read extends Pick<SourceRecord, 'key' | 'fields' | 'observedAt'> {
  readonly version: string | undefined
  readonly isDeleted: boolean
}

/** Without members that say nothing. Most records have none: they are all of one shape, which is read fast. */
export function sourceRecord({ key, fields, observedAt, version, isDeleted }: Read): SourceRecord {
  const record = { key, fields, observedAt }
  if (version === undefined && !isDeleted) return record
  return {
    ...record,
    ...(version === undefined ? {} : { version }),
    ...(isDeleted ? { deleted: true } : {}),
  }
}
