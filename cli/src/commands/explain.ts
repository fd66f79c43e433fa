import type { Finding, StoredEvent } from '@syncproof/core/contract'
import type { OperationRow } from '@syncproof/store'
import { type CommandContext, EXIT, type ExitCode, UnableError } from '../command.ts'
import { findingLines, isDamage, isUndecided } from '../output/finding-view.ts'
import { json } from '../output/terminal.ts'
import { plural, printable } from '../output/text.ts'
import { timelineLines } from '../output/timeline-view.ts'
import { apiPath, openReportApi } from '../report-api.ts'
import { flagSetting, wholeNumberSetting } from '../settings.ts'

const FINDINGS_MAX = 500
const OPERATIONS_MAX = 500
/** A timeline is for people, also where it is piped; --json is for programs. */
const PIPED_COLUMNS = 100

/** Reads, writes, syncs and findings of one entity, so that a person sees how they came about. */
export async function run(context: CommandContext): Promise<ExitCode> {
  const { terminal, positionals } = context
  const [type = '', id = ''] = positionals
  const limit = wholeNumberSetting(context, 'limit', { min: 1, max: 10_000, preset: 200 })
  const api = openReportApi(context)
  const entity = { type, id }
  const filter = { entity_type: type, entity_id: id }
  const [timeline, found, operations] = await Promise.all([
    api.list<StoredEvent>(apiPath('entities', type, id, 'timeline'), {}, limit),
    api.list<Finding>(apiPath('findings'), filter, FINDINGS_MAX),
    api.list<OperationRow>(apiPath('operations'), filter, OPERATIONS_MAX),
  ])
  const events = timeline.items
  const findings = found.items
  if (events.length === 0 && findings.length === 0) {
    throw new UnableError(
      `Nothing is known of ${type} ${id}.`,
      'Check type and id as the app reports them: `syncproof findings` shows some.',
    )
  }
  if (flagSetting(context, 'json')) {
    terminal.data(
      json({ version: 1, entity, events, more: timeline.more, operations: operations.items, findings }),
    )
  } else {
    const { paint } = terminal
    const columns = Number.isFinite(terminal.columns) ? terminal.columns : PIPED_COLUMNS
    const lines = [
      `${paint('bold', printable(`${type} ${id}`))}  ${plural(events.length, 'event')}, ${plural(findings.length, 'finding')}`,
      ...(timeline.more ? [paint('dim', 'Older events are left out: --limit shows more.')] : []),
      '',
      ...timelineLines(entity, events, operations.items, paint, columns),
      ...(findings.length === 0 ? [] : ['', paint('bold', 'Findings')]),
      ...findings.flatMap((finding) => ['', ...findingLines(finding, paint, columns)]),
    ]
    terminal.data(lines.join('\n'))
  }
  if (findings.some(isDamage)) return EXIT.found
  return findings.some(isUndecided) ? EXIT.partial : EXIT.clean
}
