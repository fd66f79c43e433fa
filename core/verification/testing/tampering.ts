import type { DetectedFinding } from '../../contract/index.ts'
import { token } from '../../detection/testing/history-builder.ts'

/** One change of one place of a JSON value. */
export interface Tampering {
  /** Names of members and positions: `assigned.email`. */
  readonly path: string
  readonly how: string
  readonly value: unknown
}

/** Every member of a value removed, and changed to every other value of its kind, one after the other. */
export function tamperings(value: unknown, path: readonly string[] = []): readonly Tampering[] {
  const at = (how: string, next: unknown): Tampering => ({ path: path.join('.'), how, value: next })
  const own =
    path.length === 0
      ? []
      : others(path.at(-1) ?? '', path.at(-2), value).map((other) => at(`to ${JSON.stringify(other)}`, other))
  if (typeof value !== 'object' || value === null) return own
  const within = Object.entries(value).flatMap(([name, member]) => {
    const removed = Array.isArray(value)
      ? value.filter((_, index) => String(index) !== name)
      : Object.fromEntries(Object.entries(value).filter(([other]) => other !== name))
    const changed = tamperings(member, [...path, name]).map((each) => ({
      ...each,
      value: Array.isArray(value)
        ? value.map((each_, index) => (String(index) === name ? each.value : each_))
        : { ...value, [name]: each.value },
    }))
    return [{ path: [...path, name].join('.'), how: 'removed', value: removed }, ...changed]
  })
  return [...own, ...within]
}

const CHOICES: Readonly<Record<string, readonly string[]>> = {
  outcome: ['ok', 'rejected', 'unknown', 'failed'],
  action: ['create', 'update', 'delete', 'upsert'],
  guard: ['none', 'version', 'lock', 'snapshot', 'serializable'],
  protection: ['row_lock', 'advisory_lock', 'version', 'serializable', 'external'],
  intent: ['optimistic', 'last_write_wins', 'unspecified'],
  boundary: ['input', 'output', 'response'],
  assigned: ['value', 'supplied', 'counter', 'last_write_wins', 'expression', 'unknown'],
  verdict: ['proven', 'observed', 'indeterminate', 'hazard'],
  transaction: ['tx-1', 'tx-d-2', 'none'],
  kind: ['lost-update', 'write-conflict', 'partial-write', 'write-skew', 'write', 'sync', 'read'],
}

function others(name: string, parent: string | undefined, value: unknown): readonly unknown[] {
  return alternatives(name, parent, value).filter((other) => other !== value)
}

function alternatives(name: string, parent: string | undefined, value: unknown): readonly unknown[] {
  switch (typeof value) {
    case 'boolean':
      return [!value]
    case 'number':
      return [value + 1, value - 1, value + 1_000_000, 0]
    case 'string':
      return [
        ...texts(value),
        ...(CHOICES[name] ?? []),
        ...(parent === 'assigned' ? (CHOICES.assigned ?? []) : []),
      ]
    default:
      return []
  }
}

/** Other texts that look alike. */
function texts(value: string): readonly string[] {
  if (value.startsWith('key1.auto.')) return ['key1.auto.z', 'key1.auto.a', 'key1.rule2.z', '!']
  if (/^[0-9a-f]{8}-/.test(value)) return [value.slice(0, -4) + (value.endsWith('beef') ? 'cafe' : 'beef')]
  if (value.startsWith('xmin/'))
    return [token('9'), token('1'), token('2'), token('9', 'another'), 'none', 'text']
  if (/^\d{4}-/.test(value)) return ['2026-11-20T11:00:00.000Z', '2026-11-20T13:00:00.000Z']
  if (/^\d+$/.test(value)) return ['0', '99']
  return [`${value}x`]
}

/** Every way to change one place of one event of the witness. The path begins with the event's kind. */
export function tamperedEvents(finding: DetectedFinding): readonly Tampering[] {
  const { events } = finding.witness
  return events.flatMap((event, index) =>
    tamperings(event).map(({ path, how, value }) => ({
      path: `${event.kind}.${path}`,
      how,
      value: { ...finding, witness: { events: events.map((each, at) => (at === index ? value : each)) } },
    })),
  )
}
