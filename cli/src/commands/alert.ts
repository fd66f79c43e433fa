import type { AlertSink } from '@syncproof/core/contract'
import { testAlerts } from '@syncproof/reconciler'
import { type CommandContext, EXIT, type ExitCode, UsageError } from '../command.ts'
import { CONFIG_FILE, loadConfigFile } from '../config-file.ts'
import { flow } from '../output/flow.ts'
import { json } from '../output/terminal.ts'
import { printable, wrap } from '../output/text.ts'
import { listSetting, textSetting } from '../settings.ts'
import { suggestion } from '../suggest.ts'

/** Sends each sink of the configuration one alert in each state, and shows what came back. */
export async function run(context: CommandContext): Promise<ExitCode> {
  const [action = ''] = context.positionals
  if (action !== 'test')
    throw new UsageError(
      `alert does not know "${action}".${suggestion(action, ['test'])}`,
      'Usage: syncproof alert test',
    )
  const sinks = await sinksOf(context)
  const { terminal } = context
  const sent = []
  for await (const one of testAlerts(sinks)) {
    sent.push(one)
    if (context.options.json) continue
    const { sink, state, answer, isTaken } = one
    const parts = [
      { text: sink.name, style: 'bold' as const },
      { text: state },
      isTaken ? { text: 'taken', style: 'green' as const } : { text: 'not taken', style: 'red' as const },
      { text: printable(answer) },
      { text: sink.place, style: 'dim' as const },
    ]
    const layout = { columns: terminal.columns, paint: terminal.paint, indent: 0, hanging: 2 }
    terminal.data(flow(parts, layout).join('\n'))
  }
  if (context.options.json)
    terminal.data(
      json({
        version: 1,
        alerts: sent.map(({ sink: { name, kind, place }, state, isTaken, answer }) => ({
          ...{ sink: name, kind, place, state, taken: isTaken, answer },
        })),
      }),
    )
  const refused = sent.filter(({ isTaken }) => !isTaken)
  const verdict =
    refused.length === 0
      ? 'All were taken. That somebody sees them is for you to look.'
      : 'What was not taken would be tried again for a week, or given up where the sink says that it never will do.'
  terminal.say(wrap(verdict, terminal.talkColumns).join('\n'))
  return refused.length === 0 ? EXIT.clean : EXIT.found
}

async function sinksOf(context: CommandContext): Promise<readonly AlertSink[]> {
  const config = await loadConfigFile(textSetting(context, 'config'), context.folder)
  if (config === undefined)
    throw new UsageError(`There is no ${CONFIG_FILE} here.`, 'Name the configuration with --config.')
  const { alerts = [] } = config
  if (alerts.length === 0)
    throw new UsageError(
      'The configuration names nobody to tell.',
      'Add `alerts: [slack()]` or another sink: docs/alerts.md.',
    )
  const names = listSetting(context, 'sink')
  const known = alerts.map(({ name }) => name)
  const wrong = names.find((name) => !known.includes(name))
  if (wrong !== undefined)
    throw new UsageError(
      `No sink is called "${wrong}".${suggestion(wrong, known)}`,
      `There are ${known.join(', ')}.`,
    )
  return alerts.filter(({ name }) => names.length === 0 || names.includes(name))
}
