import { migrateStore } from '@syncproof/store'
import { type CommandContext, EXIT, type ExitCode } from '../command.ts'
import { json } from '../output/terminal.ts'
import { plural, printable } from '../output/text.ts'
import { askDatabase } from '../reach.ts'
import { databaseSetting, flagSetting, withoutPassword } from '../settings.ts'

export async function run(context: CommandContext): Promise<ExitCode> {
  const { terminal } = context
  const url = databaseSetting(context)
  const applied = await askDatabase(url, () => migrateStore({ url }))
  const database = withoutPassword(url)
  terminal.say(
    applied.length === 0
      ? `${database} is up to date.`
      : `${database}: ${plural(applied.length, 'migration')} applied.`,
  )
  if (flagSetting(context, 'json')) terminal.data(json({ version: 1, applied }))
  else for (const name of applied) terminal.data(printable(name))
  return EXIT.clean
}
