import { printable } from './text.ts'

const INSTANT = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2})(\.\d+)?/

/** `2026-11-20 12:00:01Z` of an instant in UTC; other text as it is. */
export function clockTime(instant: string): string {
  const match = INSTANT.exec(instant)
  return match === null ? printable(instant) : `${match[1]} ${match[2]}Z`
}

/** Day and time of day with microseconds, for a timeline. */
export function dayAndTime(instant: string): readonly [day: string, time: string] {
  const match = INSTANT.exec(instant)
  if (match === null) return ['', printable(instant)]
  return [match[1] ?? '', `${match[2]}${(match[3] ?? '.').slice(0, 7).padEnd(7, '0')}`]
}

/** `0.8 s`, `2 min 5 s`. */
export function span(ms: number): string {
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`
}
