import { ConfigError } from './config-error.ts'

const DURATION = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h|d)$/
const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Milliseconds of `500ms`, `2s`, `15m`, `2h`, `1d`. @throws ConfigError for other text */
export function parseDuration(text: string): number {
  const match = DURATION.exec(text)
  const unitMs = UNIT_MS[match?.[2] ?? '']
  if (!match || unitMs === undefined) {
    throw new ConfigError(undefined, `'${text}' is not a duration. Write 500ms, 2s, 15m, 2h or 1d.`)
  }
  return Math.round(Number(match[1]) * unitMs)
}

const RATE = /^(\d{1,6}(?:\.\d{1,3})?)\/(s|m|h)$/

/** Milliseconds between two requests at `10/s`, `600/m`, `1000/h`. @throws ConfigError for other text */
export function parseRate(text: string): number {
  const match = RATE.exec(text)
  const perUnit = Number(match?.[1])
  const unitMs = UNIT_MS[match?.[2] ?? '']
  if (!(perUnit > 0) || unitMs === undefined) {
    throw new ConfigError(undefined, `'${text}' is not a rate. Write 10/s, 600/m or 1000/h.`)
  }
  return unitMs / perUnit
}
