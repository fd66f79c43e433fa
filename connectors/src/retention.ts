import type { EventKind } from '@syncproof/core/contract'
import { parseDuration } from './duration.ts'
import { checkMembers, isPlainObject, kindOf, type MemberRule, type Problem } from './members.ts'

/** How long things are kept, such as '30d', or 'forever'. What is left out has its default. One policy for the whole
 *  database: what several reconcilers on one database say must be the same. */
export interface RetentionConfig {
  /** All events, or some kinds for a shorter time than `default`. Never for ever: an event that comes late must be told
   *  from one that has come before. Default 30d. */
  readonly events?: string | EventKeeps | undefined
  /** Two days longer than events at least. Default 90d. */
  readonly operations?: string | undefined
  /** As long as operations at least, counted from when the process was last heard of. Default 90d. */
  readonly processes?: string | undefined
  /** All findings, or by whether they are over. Default 400d. */
  readonly findings?:
    | string
    | { readonly open?: string | undefined; readonly resolved?: string | undefined }
    | undefined
  /** Reconciliations with what differed. The baseline of a pair and its last whole run are always kept. Default 90d. */
  readonly reports?: string | undefined
  /** How often each section held its lock, by release. Default 400d. */
  readonly sections?: string | undefined
  /** Calls of functions with a hazard, by entity. Default 90d. */
  readonly hazards?: string | undefined
}

type EventKeeps = { readonly default?: string | undefined } & Readonly<Partial<Record<EventKind, string>>>

/** In milliseconds; null is for ever. */
export interface Retention {
  readonly events: { readonly keepMs: number; readonly byKind: Readonly<Record<string, number>> }
  readonly operationsMs: number | null
  readonly processesMs: number | null
  readonly findingsMs: { readonly open: number | null; readonly resolved: number | null }
  readonly reportsMs: number | null
  readonly sectionsMs: number | null
  readonly hazardsMs: number | null
}

const DAY_MS = 86_400_000
/** Who looks for what an event tells does so within hours. */
const KEEP_MS_MIN = DAY_MS
const EVENTS_MS_MAX = 3_650 * DAY_MS
/** Operations say of events that have just expired that they were there. */
const LONGER_MS = 2 * DAY_MS

const DEFAULTS = {
  events: '30d',
  operations: '90d',
  findings: '400d',
  reports: '90d',
  sections: '400d',
  hazards: '90d',
}

/** Every kind, so that a new one cannot be left out. */
const KINDS: Readonly<Record<EventKind, true>> = {
  operation_started: true,
  read: true,
  write: true,
  transaction_finished: true,
  sync: true,
  section_entered: true,
  section_left: true,
  operation_finished: true,
  process_ended: true,
  contract_violated: true,
  invariant_violated: true,
}

/** Fills in the defaults. @param config checked by `checkRetention` */
export function resolveRetention(config: RetentionConfig = {}): Retention {
  const { events = DEFAULTS.events, findings = DEFAULTS.findings } = config
  const { default: all = DEFAULTS.events, ...kinds } =
    typeof events === 'string' ? { default: events } : events
  const keepMs = parseDuration(all)
  const { open, resolved } = typeof findings === 'string' ? { open: findings, resolved: findings } : findings
  const ms = (text: string) => (text === FOREVER ? null : parseDuration(text))
  const operationsMs =
    config.operations === undefined
      ? Math.max(parseDuration(DEFAULTS.operations), keepMs + LONGER_MS)
      : ms(config.operations)
  return {
    events: {
      keepMs,
      byKind: Object.fromEntries(Object.entries(kinds).map(([kind, keep]) => [kind, parseDuration(keep)])),
    },
    operationsMs,
    // as long as the operations, and 90d are the default of those
    processesMs: config.processes === undefined ? longer(operationsMs) : ms(config.processes),
    findingsMs: { open: ms(open ?? DEFAULTS.findings), resolved: ms(resolved ?? DEFAULTS.findings) },
    reportsMs: ms(config.reports ?? DEFAULTS.reports),
    sectionsMs: ms(config.sections ?? DEFAULTS.sections),
    hazardsMs: ms(config.hazards ?? DEFAULTS.hazards),
  }
}

const FOREVER = 'forever'

function longer(operationsMs: number | null): number | null {
  return operationsMs === null ? null : Math.max(operationsMs, parseDuration(DEFAULTS.operations))
}

/** @throws ConfigError, made by `problem`, for the first thing that is wrong */
export function checkRetention(value: unknown, problem: Problem): void {
  if (value === undefined) return
  checkMembers(value, 'retention', members, problem)
  const { events, findings } = value
  if (isPlainObject(events))
    checkMembers(events, 'retention.events', { default: bounded, ...kindMembers }, problem)
  if (isPlainObject(findings))
    checkMembers(findings, 'retention.findings', { open: keep, resolved: keep }, problem)
  checkOrder(value as RetentionConfig, problem)
}

function checkOrder(config: RetentionConfig, problem: Problem): void {
  const { events, operationsMs, processesMs } = resolveRetention(config)
  for (const [kind, keepMs] of Object.entries(events.byKind))
    if (keepMs > events.keepMs)
      throw problem(
        `retention.events.${kind}`,
        `must not be longer than all events are kept, ${days(events.keepMs)}.`,
      )
  if (operationsMs !== null && operationsMs < events.keepMs + LONGER_MS)
    throw problem(
      'retention.operations',
      `must be at least ${days(events.keepMs + LONGER_MS)}: two days longer than events.`,
    )
  if (processesMs !== null && (operationsMs === null || processesMs < operationsMs))
    throw problem(
      'retention.processes',
      `must be at least ${operationsMs === null ? FOREVER : days(operationsMs)}, as operations.`,
    )
}

function days(ms: number): string {
  return `${Number((ms / DAY_MS).toFixed(2))}d`
}

const keep: MemberRule = {
  check: (value) => (value === FOREVER ? undefined : tooShort(value, "'30d' or 'forever'")),
}

const bounded: MemberRule = {
  check(value) {
    if (value === FOREVER)
      return "cannot be 'forever': an event that comes late must be told from one that has come before. Write '3650d' at most."
    const wrong = tooShort(value, "'30d'")
    if (wrong !== undefined) return wrong
    return parseDuration(String(value)) > EVENTS_MS_MAX
      ? `must be at most ${days(EVENTS_MS_MAX)}.`
      : undefined
  },
}

function tooShort(value: unknown, example: string): string | undefined {
  if (typeof value !== 'string' || !/^\d+(\.\d+)?(ms|s|m|h|d)$/.test(value))
    return `must be a duration such as ${example}, not ${typeof value === 'string' ? `'${value}'` : kindOf(value)}.`
  return parseDuration(value) < KEEP_MS_MIN ? 'must be at least 1d.' : undefined
}

const kindMembers = Object.fromEntries(Object.keys(KINDS).map((kind) => [kind, bounded]))

const members: Readonly<Record<keyof RetentionConfig, MemberRule>> = {
  events: { check: (value) => (isPlainObject(value) ? undefined : bounded.check(value)) },
  operations: keep,
  processes: keep,
  findings: { check: (value) => (isPlainObject(value) ? undefined : keep.check(value)) },
  reports: keep,
  sections: keep,
  hazards: keep,
}
