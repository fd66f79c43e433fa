import type { MinuteBooks, ProcessRow } from '@syncproof/store'
import { type CommandContext, EXIT, type ExitCode, UsageError } from '../command.ts'
import { minuteLines, processesExit, processLines } from '../output/process-view.ts'
import { json } from '../output/terminal.ts'
import { plural } from '../output/text.ts'
import { ApiProblem, apiPath, openReportApi } from '../report-api.ts'
import { flagSetting, wholeNumberSetting } from '../settings.ts'

/** Which processes report, and whether all that they produced is accounted for. */
export async function run(context: CommandContext): Promise<ExitCode> {
  const [id] = context.positionals
  const limit = wholeNumberSetting(context, 'limit', { min: 1, max: 100_000, preset: 100 })
  return id === undefined ? listProcesses(context, limit) : listMinutes(context, id, limit)
}

async function listProcesses(context: CommandContext, limit: number): Promise<ExitCode> {
  const { terminal } = context
  const { items, more } = await openReportApi(context).list<ProcessRow>(apiPath('processes'), {}, limit)
  if (flagSetting(context, 'json')) {
    terminal.data(json({ version: 1, processes: items, more }))
  } else {
    for (const process of items)
      terminal.data(`${processLines(process, terminal.paint, terminal.columns).join('\n')}\n`)
    terminal.say(closing(items.length, more))
  }
  return processesExit(items, more)
}

function closing(processes: number, more: boolean): string {
  if (processes === 0) return 'Nothing has ever reported here.'
  const what = plural(processes, 'process', 'processes')
  return more ? `${what}, those that began last. --limit shows more.` : `${what}.`
}

async function listMinutes(context: CommandContext, id: string, limit: number): Promise<ExitCode> {
  const { terminal } = context
  const api = openReportApi(context)
  const path = apiPath('processes', id, 'minutes')
  const { items, more } = await api.list<MinuteBooks>(path, {}, limit, ['not_found']).catch((error) => {
    if (!(error instanceof ApiProblem)) throw error
    throw new UsageError(`There is no process ${id}.`, '`syncproof processes` lists them with their ids.')
  })
  if (flagSetting(context, 'json')) {
    terminal.data(json({ version: 1, process: id, minutes: items, more }))
  } else {
    for (const minute of items)
      terminal.data(minuteLines(minute, terminal.paint, terminal.columns).join('\n'))
    terminal.say(
      items.length === 0
        ? 'No minute is told: a process that is made of spans counts nothing.'
        : `${plural(items.length, 'minute')} in which it was heard of, the last ones first; a day is kept.`,
    )
  }
  if (items.length === 0) return EXIT.unable
  return more || items.some(({ unaccounted }) => unaccounted > 0) ? EXIT.partial : EXIT.clean
}
