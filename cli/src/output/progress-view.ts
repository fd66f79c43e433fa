import type { Report } from '@syncproof/store'

const BAR_COLUMNS = 24

/** One line that says how far a run is, no wider than the terminal. */
export function progressLine(report: Report, columns: number): string {
  return lineOf(report, columns).slice(0, columns)
}

function lineOf({ state, progress }: Report, columns: number): string {
  if (state === 'queued') return 'waiting for a reconciler'
  if (progress === null) return 'reading records by their keys'
  const { source_records, target_records, estimated_records, segments, segments_done } = progress
  const read = source_records + target_records
  if (segments_done === segments) return `${count(read)} records read, reading again by key what differs`
  const share = estimated_records ? Math.min(0.99, read / (2 * estimated_records)) : undefined
  const parts = [
    share === undefined ? 'comparing' : `${bar(share)} ${String(Math.floor(share * 100)).padStart(2)} %`,
    `${count(read)} records`,
    `${count(progress.records_per_second)}/s`,
    ...(progress.seconds_left === null ? [] : [`${clock(progress.seconds_left)} left`]),
    ...(segments > 1 ? [`segment ${segments_done + 1} of ${segments}`] : []),
  ]
  // what comes last is left out first
  while (parts.length > 1 && parts.join('  ').length >= columns) parts.pop()
  return parts.join('  ')
}

function bar(share: number): string {
  const full = Math.round(share * BAR_COLUMNS)
  return `[${'#'.repeat(full)}${'-'.repeat(BAR_COLUMNS - full)}]`
}

function count(number: number): string {
  return number.toLocaleString('en')
}

function clock(seconds: number): string {
  const pad = (part: number) => String(part).padStart(2, '0')
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes}:${pad(seconds % 60)}`
  return `${Math.floor(minutes / 60)}:${pad(minutes % 60)}:${pad(seconds % 60)}`
}
