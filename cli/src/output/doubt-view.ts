import type { EventDoubts, ReportedEvent } from '@syncproof/store'
import { plural, printable } from './text.ts'

/** What stands before an event that proves nothing, in capitals: colour is not everywhere. */
export const INCONSISTENT = 'INCONSISTENT'

const DIFFERENCES_SHOWN_MAX = 6

/** What is held against an event, a sentence each.
 *  @param nameOf how another event is called where this is shown; undefined where it is not shown */
export function doubtTexts(event: ReportedEvent, nameOf: (id: string) => string | undefined): string[] {
  const { inconsistent, inconsistent_copies: copies } = event
  return [
    ...(inconsistent ? [contradictionText(event, inconsistent, nameOf)] : []),
    ...(copies ? [copiesText(copies)] : []),
  ]
}

/** `the write`, `the start`. */
export function eventNoun({ kind }: Pick<ReportedEvent, 'kind'>): string {
  switch (kind) {
    case 'operation_started':
      return 'the start'
    case 'operation_finished':
      return 'the end'
    default:
      return printable(`the ${kind.replaceAll('_', ' ')}`)
  }
}

function contradictionText(
  { seq }: ReportedEvent,
  { contradicts, event_id }: NonNullable<EventDoubts['inconsistent']>,
  nameOf: (id: string) => string | undefined,
): string {
  const other =
    event_id === null ? 'an event that came before it' : (nameOf(event_id) ?? `event ${printable(event_id)}`)
  switch (contradicts) {
    case 'sequence':
      return `contradicts ${other}: both have number ${seq} of their process`
    case 'operation':
      return `contradicts ${other}: an operation starts once, and ends once after that`
    case 'version':
      return `contradicts ${other}: no two transactions make one version`
  }
}

function copiesText({ count, differs }: NonNullable<EventDoubts['inconsistent_copies']>): string {
  const more = differs.length > DIFFERENCES_SHOWN_MAX ? ', …' : ''
  const members = printable(differs.slice(0, DIFFERENCES_SHOWN_MAX).join(', '))
  return `${plural(count, 'INCONSISTENT COPY', 'INCONSISTENT COPIES')} came with other content (${members}${more}) and ${count === 1 ? 'proves' : 'prove'} nothing: what came first stands`
}
