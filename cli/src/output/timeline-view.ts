import {
  type EntityRef,
  entityKey,
  parseToken,
  type StoredEvent,
  type WriteEvent,
} from '@syncproof/core/contract'
import type { OperationRow } from '@syncproof/store'
import { flow, type Part } from './flow.ts'
import type { Paint, Style } from './terminal.ts'
import { padEnd, plural, printable } from './text.ts'
import { dayAndTime } from './time.ts'

/** What happened to an entity, oldest first: operations are called A, B, C … and versions v1, v2, v3 … in the
 *  order in which they appear, so that a person sees at a glance which write went over which version. */
export function timelineLines(
  entity: EntityRef,
  events: readonly StoredEvent[],
  operations: readonly OperationRow[],
  paint: Paint,
  columns: number,
): string[] {
  const inOrder = events.toSorted(
    (a, b) => compare(a.at, b.at) || compare(a.process_id, b.process_id) || a.seq - b.seq,
  )
  const names = new Labels(letters)
  const versions = new Labels((index) => `v${index + 1}`)
  const lines: string[] = []
  let lastDay = ''
  for (const event of inOrder) {
    const [day, time] = dayAndTime(event.at)
    if (day !== lastDay) lines.push(paint('dim', day))
    lastDay = day
    const operation = 'operation_id' in event ? names.of(event.operation_id) : ''
    const start: Part[] = [
      { text: time, style: 'dim' },
      { text: padEnd(operation, 2), style: 'bold' },
    ]
    const head = columns < NARROW_COLUMNS ? 4 : TEXT_COLUMN
    lines.push(
      ...flow([...start, ...describe(event, entity, versions)], { columns, paint, indent: 0, hanging: head }),
    )
  }
  return [...lines, ...legend(names, versions, operations, paint, columns)]
}

/** Where the text of an event starts: after the time and the operation. */
const TEXT_COLUMN = 21
const NARROW_COLUMNS = 45

function legend(
  names: Labels,
  versions: Labels,
  operations: readonly OperationRow[],
  paint: Paint,
  columns: number,
) {
  const layout = { columns, paint, indent: 2, hanging: 6 }
  const known = new Map(operations.map((operation) => [operation.operation_id, operation]))
  return [
    ...(names.all.length === 0 ? [] : ['', paint('bold', 'Operations')]),
    ...names.all.flatMap(([id, label]) => {
      const operation = known.get(id)
      const who = operation && [operation.name, `in ${operation.service}`, operation.release].filter(Boolean)
      return flow(
        [
          { text: padEnd(label, 2), style: 'bold' },
          { text: printable(who?.join(' ') ?? '') },
          operation === undefined ? { text: '' } : endPart(operation),
          { text: printable(id), style: 'dim' },
        ],
        layout,
      )
    }),
    ...(versions.all.length === 0 ? [] : ['', paint('bold', 'Versions')]),
    ...versions.all.flatMap(([token, label]) =>
      flow(
        [
          { text: padEnd(label, 3), style: 'bold' },
          { text: tokenText(token), style: 'dim' },
        ],
        layout,
      ),
    ),
  ]
}

/** The end of an operation names no entity, so it is no line of the timeline. */
function endPart({ outcome }: OperationRow): Part {
  return outcome === null ? { text: 'not ended', style: 'yellow' } : outcomePart(outcome)
}

function tokenText(token: string): string {
  const parts = parseToken(token)
  return printable(
    parts === undefined ? token : `${parts.kind} ${parts.value} of ${parts.table} ${parts.key}`,
  )
}

type OutcomeText = 'ok' | 'failed' | 'rejected' | 'unknown'
const OUTCOME_STYLES: Readonly<Record<OutcomeText, Style>> = {
  ok: 'green',
  failed: 'red',
  rejected: 'red',
  unknown: 'yellow',
}

function outcomePart(outcome: OutcomeText): Part {
  return { text: outcome, style: OUTCOME_STYLES[outcome] }
}

function describe(event: StoredEvent, subject: EntityRef, versions: Labels): Part[] {
  switch (event.kind) {
    case 'read':
    case 'write':
    case 'sync':
      return describeAccess(event, subject, versions)
    case 'operation_started': {
      const syncs = event.syncs?.map((sync) => sync.system).join(', ')
      return [
        { text: printable(`${event.name} starts`) },
        { text: event.attempt > 1 ? `attempt ${event.attempt}` : '' },
        { text: syncs ? printable(`must reach ${syncs}`) : '', style: 'dim' },
      ]
    }
    case 'transaction_finished':
      return [{ text: printable(`transaction ends, ${event.isolation}`) }, outcomePart(event.outcome)]
    case 'section_entered':
      return [{ text: printable(`enters ${event.name}, ${event.protection}`) }]
    case 'section_left':
      return [{ text: printable(`leaves ${event.name}`) }]
    case 'operation_finished':
      return [
        { text: 'ends' },
        outcomePart(event.outcome),
        { text: event.error ? printable(`${event.error.type}: ${event.error.message}`) : '' },
      ]
    case 'contract_violated':
      return [
        { text: `contract violated at the ${event.boundary}` },
        { text: plural(event.issues.length, 'issue') },
      ]
    case 'invariant_violated':
      return [{ text: printable(`invariant ${event.name} violated in ${event.system}`), style: 'red' }]
    default:
      return [{ text: printable((event as { kind: string }).kind) }]
  }
}

/** What an operation did to a record of a system. */
function describeAccess(
  event: Extract<StoredEvent, { kind: 'read' | 'write' | 'sync' }>,
  subject: EntityRef,
  versions: Labels,
): Part[] {
  const head = [{ text: printable(`${event.kind} ${event.system}`) }, other(event.entity, subject)]
  // versions are named in the order in which they are asked for: a write asks for the one before first
  const version = () => (event.version === undefined ? '' : versions.of(event.version))
  switch (event.kind) {
    case 'read': {
      const { found, lock } = event
      const outside = lock?.in_transaction ? '' : ' outside a transaction'
      return [
        ...head,
        { text: found ? version() : 'nothing there' },
        { text: lock ? printable(`${lock.mode}${outside}`) : '' },
      ]
    }
    case 'write':
      return [...head, { text: event.action }, ...writeParts(event, versions), outcomePart(event.outcome)]
    case 'sync':
      return [
        ...head,
        { text: event.action },
        { text: event.version === undefined ? '' : `carries ${version()}` },
        { text: event.attempt > 1 ? `attempt ${event.attempt}` : '' },
        outcomePart(event.outcome),
        { text: event.status === undefined ? '' : `status ${event.status}`, style: 'dim' },
      ]
  }
}

/** Which version a write went over, whether it knew that version, and what it changed. */
function writeParts(write: WriteEvent, versions: Labels): Part[] {
  const { overwritten_version: over, known_versions: known, base_version: base, version } = write
  const foreign =
    over !== undefined &&
    over !== 'none' &&
    !known.includes(over) &&
    write.known_incomplete !== true &&
    write.overwritten_by_self === false
  const from = over === undefined || over === 'none' ? base : over
  const step = [from, version].filter((token) => token !== undefined).map((token) => versions.of(token))
  const changed = Object.keys(write.assigned).filter(
    (field) => write.fields[field] !== write.base_fields?.[field],
  )
  const taken = Object.keys(write.overwritten_fields ?? {}).filter(
    (field) => write.overwritten_fields?.[field] !== write.base_fields?.[field],
  )
  return [
    { text: step.join(' → ') },
    { text: changed.length === 0 ? '' : printable(`sets ${changed.join(', ')}`) },
    ...(foreign
      ? [
          {
            text: printable(
              `over ${versions.of(over)}, which it had not read${taken.length === 0 ? '' : `; ${versions.of(over)} changed ${taken.join(', ')}`}`,
            ),
            style: 'red' as const,
          },
        ]
      : []),
  ]
}

/** Named only where it is not the entity that was asked for. */
function other(entity: EntityRef, subject: EntityRef): Part {
  return { text: entityKey(entity) === entityKey(subject) ? '' : printable(`${entity.type} ${entity.id}`) }
}

/** Short names, given in the order of first use. */
class Labels {
  readonly #labels = new Map<string, string>()
  readonly #name: (index: number) => string

  constructor(name: (index: number) => string) {
    this.#name = name
  }

  of(id: string): string {
    const label = this.#labels.get(id) ?? this.#name(this.#labels.size)
    this.#labels.set(id, label)
    return label
  }

  get all(): readonly (readonly [id: string, label: string])[] {
    return [...this.#labels]
  }
}

/** A … Z, AA, AB … */
function letters(index: number): string {
  const last = String.fromCharCode(65 + (index % 26))
  return index < 26 ? last : letters(Math.floor(index / 26) - 1) + last
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
