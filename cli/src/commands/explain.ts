import type { EntityRef, Finding } from '@syncproof/core/contract'
import type { OperationRow, ReportedEvent } from '@syncproof/store'
import { type CommandContext, EXIT, type ExitCode, UnableError } from '../command.ts'
import { lookUp } from '../hashed-id.ts'
import { findingLines, isDamage, isUndecided } from '../output/finding-view.ts'
import { flow } from '../output/flow.ts'
import { json, type Paint } from '../output/terminal.ts'
import { plural, printable } from '../output/text.ts'
import { timelineLines } from '../output/timeline-view.ts'
import { apiPath, openReportApi, type ReportApi } from '../report-api.ts'
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
  const known = await lookUp(context, { type, id }, (entity) => historyOf(api, entity, limit))
  if (known === undefined) {
    throw new UnableError(
      `Nothing is known of ${type} ${id}.`,
      'Check type and id as the app reports them: `syncproof findings` shows some. Where the app hashes its ids, set SYNCPROOF_FINGERPRINT_KEY to the secret that it has.',
    )
  }
  const { entity, timeline, operations } = known
  const events = timeline.items
  const findings = known.found.items
  if (flagSetting(context, 'json')) {
    terminal.data(
      json({ version: 1, entity, events, more: timeline.more, operations: operations.items, findings }),
    )
  } else {
    const { paint } = terminal
    const columns = Number.isFinite(terminal.columns) ? terminal.columns : PIPED_COLUMNS
    const lines = [
      ...headLines(entity, known, paint, columns),
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

type History = NonNullable<Awaited<ReturnType<typeof historyOf>>>

function headLines(entity: EntityRef, { timeline, found }: History, paint: Paint, columns: number): string[] {
  const layout = { columns, paint, indent: 0, hanging: 0 }
  const inconsistent = timeline.items.filter((event) => event.inconsistent !== undefined).length
  const they = inconsistent === 1 ? 'it contradicts an event that' : 'they contradict events that'
  return [
    ...flow(
      [
        { text: printable(`${entity.type} ${entity.id}`), style: 'bold' },
        { text: `${plural(timeline.items.length, 'event')}, ${plural(found.items.length, 'finding')}` },
      ],
      layout,
    ),
    ...(inconsistent === 0
      ? []
      : flow(
          [
            {
              text: `${inconsistent} INCONSISTENT: ${they} came before, and ${inconsistent === 1 ? 'proves' : 'prove'} nothing.`,
              style: 'yellow',
            },
          ],
          layout,
        )),
    ...(timeline.more
      ? flow([{ text: 'Older events are left out: --limit shows more.', style: 'dim' }], layout)
      : []),
  ]
}

/** Undefined where nothing is known of the entity. */
async function historyOf(api: ReportApi, entity: EntityRef, limit: number) {
  const { type, id } = entity
  const filter = { entity_type: type, entity_id: id }
  const [timeline, found, operations] = await Promise.all([
    api.list<ReportedEvent>(apiPath('entities', type, id, 'timeline'), {}, limit),
    api.list<Finding>(apiPath('findings'), filter, FINDINGS_MAX),
    api.list<OperationRow>(apiPath('operations'), filter, OPERATIONS_MAX),
  ])
  const isKnown = timeline.items.length > 0 || found.items.length > 0
  return isKnown ? { entity, timeline, found, operations } : undefined
}
