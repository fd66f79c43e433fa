import { prepareQueue } from '@syncproof/reconciler'
import { migrateStore, openStore, roleOf, SERVICES } from '@syncproof/store'
import { type CommandContext, EXIT, type ExitCode } from '../command.ts'
import { json } from '../output/terminal.ts'
import { plural, printable } from '../output/text.ts'
import { askDatabase } from '../reach.ts'
import { databaseSetting, flagSetting, withoutPassword } from '../settings.ts'
import { acceptKey } from '../start-parts.ts'

export async function run(context: CommandContext): Promise<ExitCode> {
  const { terminal } = context
  const url = databaseSetting(context)
  const withRoles = flagSetting(context, 'roles')
  const applied = await askDatabase(url, async () => {
    const names = await migrateStore({ url }, { roles: withRoles })
    if (withRoles) await prepareQueue(url, roleOf('reconciler'))
    if (context.env.SYNCPROOF_API_KEY) await takeKey(url, context.env.SYNCPROOF_API_KEY)
    return names
  })
  const database = withoutPassword(url)
  terminal.say(
    applied.length === 0
      ? `${database} is up to date.`
      : `${database}: ${plural(applied.length, 'migration')} applied.`,
  )
  const roles = SERVICES.map(roleOf)
  if (withRoles) {
    terminal.say(
      `The roles ${roles.join(', ')} have their rights. Grant each to the login of its service: \`grant ${roles[0]} to LOGIN\`.`,
    )
  }
  if (flagSetting(context, 'json')) terminal.data(json({ version: 1, applied, ...(withRoles && { roles }) }))
  else for (const name of applied) terminal.data(printable(name))
  return EXIT.clean
}

/** As the owner, who alone may add keys. */
async function takeKey(url: string, key: string): Promise<void> {
  const store = openStore({ url, applicationName: 'syncproof migrate' })
  try {
    await acceptKey(store, key)
  } finally {
    await store.close()
  }
}
