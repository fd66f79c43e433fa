import {
  checkMembers,
  isPlainObject,
  kindOf,
  type MemberRule,
  type Problem,
  required,
  someText,
} from './members.ts'

/** A time in which pages are held back: what holds then is told afterwards, where it still does. */
export interface MaintenanceConfig {
  /** Default: all. */
  readonly pairs?: readonly string[] | undefined
  /** RFC 3339 with the offset, such as `2026-12-01T20:00:00Z`; at most 30 days from each other. */
  readonly from: string
  readonly until: string
  /** For people: it is shown in reports and groups. */
  readonly reason: string
}

const WINDOW_MS_MAX = 30 * 24 * 60 * 60 * 1000

/** @throws ConfigError, made by `problem`, for the first thing that is wrong */
export function checkAlerts(value: unknown, problem: Problem): void {
  if (value === undefined) return
  if (!Array.isArray(value))
    throw problem('alerts', `must be a list such as [slack()], not ${kindOf(value)}.`)
  const names = new Set<string>()
  for (const [place, sink] of value.entries()) {
    const path = `alerts[${place}]`
    if (!isPlainObject(sink) || typeof sink.send !== 'function' || typeof sink.name !== 'string')
      throw problem(
        path,
        `must be a sink such as sentry(), pagerduty(), slack(), webhook({ … }) or alertmanager({ … }), not ${kindOf(sink)}.`,
      )
    if (names.has(sink.name))
      throw problem(path, `is the second sink called '${sink.name}'. Give one of them another \`name\`.`)
    names.add(sink.name)
  }
}

/** @throws ConfigError, made by `problem`, for the first thing that is wrong */
export function checkOperations(value: unknown, problem: Problem): void {
  if (value === undefined) return
  if (!isPlainObject(value))
    throw problem('operations', `must be an object of functions by name, not ${kindOf(value)}.`)
  for (const [name, operation] of Object.entries(value))
    checkMembers(operation, `operations.${name}`, { owner: required(someText) }, problem)
}

/** @throws ConfigError, made by `problem`, for the first thing that is wrong */
export function checkMaintenance(value: unknown, pairs: readonly string[], problem: Problem): void {
  if (value === undefined) return
  if (!Array.isArray(value)) throw problem('maintenance', `must be a list of windows, not ${kindOf(value)}.`)
  for (const [place, window] of value.entries()) {
    const path = `maintenance[${place}]`
    checkMembers(window, path, { ...members, pairs: pairList(pairs) }, problem)
    const ms = Date.parse(String(window.until)) - Date.parse(String(window.from))
    if (ms <= 0) throw problem(`${path}.until`, 'must be after `from`.')
    if (ms > WINDOW_MS_MAX) throw problem(`${path}.until`, 'must be within 30 days of `from`.')
  }
}

const time: MemberRule = {
  check: (value) =>
    typeof value === 'string' &&
    /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})$/.test(value) &&
    !Number.isNaN(Date.parse(value))
      ? undefined
      : 'must be a time with its offset, such as 2026-12-01T20:00:00Z.',
}

const members: Readonly<Record<Exclude<keyof MaintenanceConfig, 'pairs'>, MemberRule>> = {
  from: required(time),
  until: required(time),
  reason: required(someText),
}

function pairList(pairs: readonly string[]): MemberRule {
  return {
    check(value) {
      if (!Array.isArray(value) || value.length === 0) return `must be a list of pairs, not ${kindOf(value)}.`
      const wrong = value.find((name) => !pairs.includes(name))
      return wrong === undefined
        ? undefined
        : `names no pair of this configuration: ${String(wrong).slice(0, 64)}. There are ${pairs.join(', ')}.`
    },
  }
}
