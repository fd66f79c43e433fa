import { resolve } from 'node:path'
import type { Store } from '@syncproof/store'
import { type CommandContext, EXIT, type ExitCode, UsageError } from '../command.ts'
import { writeDump } from '../event-dump/dump-file.ts'
import { fetchDump } from '../event-dump/fetch-dump.ts'
import { checkDump, importDump } from '../event-dump/import-dump.ts'
import { json } from '../output/terminal.ts'
import { plural } from '../output/text.ts'
import { openReportApi, type Query } from '../report-api.ts'
import { flagSetting, projectSetting, textSetting, timeSetting } from '../settings.ts'
import { PROJECT } from '../start-parts.ts'
import { withStore } from '../store-setting.ts'
import { suggestion } from '../suggest.ts'

const ACTIONS = ['export', 'import'] as const
const OF_EXPORT = ['url', 'since', 'until', 'entity-type', 'entity-id', 'operation', 'kind'] as const
const OF_IMPORT = ['database', 'data', 'project'] as const

/** Events out to a file, and from a file into a database. */
export async function run(context: CommandContext): Promise<ExitCode> {
  const [word = '', file = ''] = context.positionals
  const action = ACTIONS.find((one) => one === word)
  if (action === undefined) {
    throw new UsageError(
      `events does not know "${word}".${suggestion(word, ACTIONS)}`,
      'Usage: syncproof events export FILE, or import FILE',
    )
  }
  for (const option of action === 'export' ? OF_IMPORT : OF_EXPORT)
    if (context.options[option] !== undefined)
      throw new UsageError(`events ${action} does not take --${option}.`)
  const path = resolve(context.folder, file)
  return action === 'export' ? exportEvents(context, path) : importEvents(context, path)
}

async function exportEvents(context: CommandContext, path: string): Promise<ExitCode> {
  const { terminal } = context
  const filter = filterOf(context)
  const fetched = { events: 0 }
  await writeDump(path, fetchDump(openReportApi(context), filter, fetched))
  const { events } = fetched
  if (flagSetting(context, 'json')) terminal.data(json({ version: 1, file: path, filter, events }))
  terminal.say(`${plural(events, 'event')} in ${path}, whole.`)
  return EXIT.clean
}

function filterOf(context: CommandContext): Query {
  const filter = {
    since: timeSetting(context, 'since'),
    until: timeSetting(context, 'until'),
    entity_type: textSetting(context, 'entity-type'),
    entity_id: textSetting(context, 'entity-id'),
    operation: textSetting(context, 'operation'),
    kind: textSetting(context, 'kind'),
  }
  if ((filter.entity_type === undefined) !== (filter.entity_id === undefined))
    throw new UsageError('--entity-type and --entity-id go together: an entity has type and id.')
  return filter
}

async function importEvents(context: CommandContext, path: string): Promise<ExitCode> {
  const { terminal } = context
  const project = projectSetting(context) ?? PROJECT
  const { filter, events, processes } = await checkDump(path)
  if (Object.keys(filter).length > 0) {
    terminal.say(
      terminal.paintTalk(
        'yellow',
        `This export is of ${filterText(filter)} only: nothing is claimed from what is absent in it.`,
      ),
    )
  }
  const done = await withStore(context, 'syncproof events import', (store: Store) =>
    importDump(store, project, path),
  )
  const { stored, duplicates } = done
  if (flagSetting(context, 'json'))
    terminal.data(json({ version: 1, file: path, project, filter, processes, events, stored, duplicates }))
  terminal.say(
    `${plural(stored, 'event')} of ${plural(processes, 'process', 'processes')} stored in project ${project}; ${duplicates} were there. The reconciler judges them from now on.`,
  )
  return EXIT.clean
}

function filterText(filter: Readonly<Record<string, string>>): string {
  return Object.entries(filter)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ')
}
