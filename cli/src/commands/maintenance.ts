import type { MaintenanceWindow } from '@syncproof/store'
import { type CommandContext, EXIT, type ExitCode, UsageError } from '../command.ts'
import { windowLines } from '../output/maintenance-view.ts'
import { json } from '../output/terminal.ts'
import { plural } from '../output/text.ts'
import { ApiProblem, apiPath, openReportApi, type ReportApi } from '../report-api.ts'
import { durationSetting, listSetting, textSetting } from '../settings.ts'
import { suggestion } from '../suggest.ts'

const ACTIONS = ['start', 'end', 'list'] as const
const WINDOW_MS = { min: 60_000, max: 30 * 24 * 60 * 60 * 1000, preset: 60 * 60 * 1000 }

/** Begins, ends and lists times in which pages are held back. */
export async function run(context: CommandContext): Promise<ExitCode> {
  const [word = '', id] = context.positionals
  const action = ACTIONS.find((one) => one === word)
  if (action === undefined) {
    throw new UsageError(
      `maintenance does not know "${word}".${suggestion(word, ACTIONS)}`,
      'Usage: syncproof maintenance start, end [ID], or list',
    )
  }
  if (action !== 'end' && id !== undefined) throw new UsageError(`maintenance ${action} takes no "${id}".`)
  for (const option of ['pair', 'for', 'reason']) {
    if (action !== 'start' && context.options[option] !== undefined)
      throw new UsageError(`--${option} is of a new window: maintenance ${action} does not take it.`)
  }
  if (action === 'start') return start(context)
  return action === 'end' ? end(context, id) : list(context)
}

async function start(context: CommandContext): Promise<ExitCode> {
  const reason = textSetting(context, 'reason')
  if (reason === undefined)
    throw new UsageError(
      'maintenance start needs --reason.',
      'It is shown in reports and to whoever wonders.',
    )
  const pairs = listSetting(context, 'pair')
  const ms = durationSetting(context, 'for', WINDOW_MS)
  const api = openReportApi(context)
  const body = { reason, seconds: Math.round(ms / 1_000), ...(pairs.length > 0 && { pairs }) }
  try {
    const window = await api.post<MaintenanceWindow>(apiPath('maintenance'), body, ['pair_not_found'])
    show(context, [window], window)
    context.terminal.say('What is found meanwhile pages nobody until then; what is over by then never does.')
    return EXIT.clean
  } catch (error) {
    if (!(error instanceof ApiProblem)) throw error
    throw new UsageError(
      'A --pair is not configured.',
      '`syncproof reconcile` with any name lists the pairs.',
    )
  }
}

async function end(context: CommandContext, id: string | undefined): Promise<ExitCode> {
  const api = openReportApi(context)
  const windows = id === undefined ? await now(api) : [{ id }]
  const ended: MaintenanceWindow[] = []
  for (const { id } of windows) ended.push(await endOne(api, id))
  show(context, ended, { windows: ended })
  context.terminal.say(
    ended.length === 0 ? 'No maintenance window is on.' : `${plural(ended.length, 'window')} ended.`,
  )
  return EXIT.clean
}

async function endOne(api: ReportApi, id: string): Promise<MaintenanceWindow> {
  try {
    return await api.post<MaintenanceWindow>(apiPath('maintenance', id, 'end'), {}, ['not_found'])
  } catch (error) {
    if (!(error instanceof ApiProblem)) throw error
    throw new UsageError(`No window "${id}" is on or ahead.`, '`syncproof maintenance list` shows the ids.')
  }
}

/** What is ahead, as the configuration names it, is left alone. */
async function now(api: ReportApi): Promise<readonly MaintenanceWindow[]> {
  return (await windowsOf(api)).filter(({ starts_at }) => Date.parse(starts_at) <= Date.now())
}

async function windowsOf(api: ReportApi): Promise<readonly MaintenanceWindow[]> {
  return (await api.get<{ items: readonly MaintenanceWindow[] }>(apiPath('maintenance'))).items
}

async function list(context: CommandContext): Promise<ExitCode> {
  const windows = await windowsOf(openReportApi(context))
  show(context, windows, { windows })
  context.terminal.say(`${plural(windows.length, 'maintenance window')}.`)
  return EXIT.clean
}

function show(
  { terminal, options }: CommandContext,
  windows: readonly MaintenanceWindow[],
  data: object,
): void {
  if (options.json) terminal.data(json({ version: 1, ...data }))
  else
    for (const window of windows)
      terminal.data(windowLines(window, terminal.paint, terminal.columns).join('\n'))
}
