import type { EntityRef } from '@syncproof/core/contract'
import type { OperationRow, ReportedEvent } from '@syncproof/store'
import { doubtTexts, eventNoun, INCONSISTENT } from './doubt-view.ts'
import { describe } from './event-parts.ts'
import { flow, type Part } from './flow.ts'
import { Labels, letters } from './labels.ts'
import { legendLines } from './legend-view.ts'
import type { Paint } from './terminal.ts'
import { padEnd } from './text.ts'
import { dayAndTime } from './time.ts'

/** What happened to an entity, oldest first: operations are called A, B, C … and versions v1, v2, v3 … in the
 *  order in which they appear, so that a person sees at a glance which write went over which version. An event that
 *  contradicts another one says so before anything else, and its own words are dimmed: it proves nothing. */
export function timelineLines(
  entity: EntityRef,
  events: readonly ReportedEvent[],
  operations: readonly OperationRow[],
  paint: Paint,
  columns: number,
): string[] {
  const inOrder = events.toSorted(
    (a, b) => compare(a.at, b.at) || compare(a.process_id, b.process_id) || a.seq - b.seq,
  )
  const names = new Labels(letters)
  for (const event of inOrder) if ('operation_id' in event) names.of(event.operation_id)
  const versions = new Labels((index) => `v${index + 1}`)
  const byId = new Map(inOrder.map((event) => [event.id, event]))
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
    const layout = { columns, paint, indent: 0, hanging: head }
    lines.push(...flow([...start, ...told(event, describe(event, entity, versions))], layout))
    const doubts = doubtTexts(event, (id) => nameIn(byId, names, id, day))
    lines.push(...doubts.flatMap((text) => flow([{ text, style: 'yellow' }], { ...layout, indent: head })))
  }
  const doubted = names.all.flatMap(([id]) => (isDoubted(inOrder, id) ? id : []))
  return [...lines, ...legendLines({ names, versions, operations, doubted }, paint, columns)]
}

/** Where the text of an event starts: after the time and the operation. */
const TEXT_COLUMN = 21
const NARROW_COLUMNS = 45

/** Whether everything that is shown of an operation is inconsistent: then it may never have been. */
function isDoubted(events: readonly ReportedEvent[], operationId: string): boolean {
  const own = events.filter((event) => 'operation_id' in event && event.operation_id === operationId)
  return own.every((event) => event.inconsistent !== undefined)
}

function told(event: ReportedEvent, parts: readonly Part[]): readonly Part[] {
  return event.inconsistent === undefined
    ? parts
    : [
        { text: `${INCONSISTENT}, proves nothing`, style: 'yellow' },
        ...parts.map(({ text }): Part => ({ text, style: 'dim' })),
      ]
}

/** `the write of B at 12:00:00.000001`, with its day where that is another one; undefined for what is not listed. */
function nameIn(
  events: ReadonlyMap<string, ReportedEvent>,
  names: Labels,
  id: string,
  ownDay: string,
): string | undefined {
  const event = events.get(id)
  if (event === undefined) return undefined
  const [day, time] = dayAndTime(event.at)
  const operation = 'operation_id' in event ? ` of ${names.of(event.operation_id)}` : ''
  return `${eventNoun(event)}${operation} at ${day === ownDay ? '' : `${day} `}${time}`
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
