import { replicaState } from '@syncproof/collector'
import { openStore, type Store } from '@syncproof/store'
import { type CommandContext, UsageError } from './command.ts'
import { POSTGRES_SCHEMES, urlSetting, withoutPassword } from './settings.ts'

/** The replica of `--read-database`; undefined where there is none. One that is away, or has not replayed the newest migration
 *  yet, is said and no reason not to start: events are taken in without it.
 *  @param primary of which it must be a standby
 *  @throws UsageError where it is one of another database, whose reports would be shown */
export async function openReadDatabase(
  context: CommandContext,
  primary: Store,
): Promise<{ readonly url: string; readonly store: Store } | undefined> {
  const url = urlSetting(context, 'read-database', POSTGRES_SCHEMES)
  if (url === undefined) return undefined
  const store = openStore({ url, applicationName: 'syncproof collector' })
  const state = await replicaState(primary, store)
  const { say, paintTalk } = context.terminal
  const shown = withoutPassword(url)
  switch (state) {
    case 'ok':
      break
    case 'other_database':
      await store.close()
      throw new UsageError(
        `${shown} is not a replica of the database that events go to.`,
        'Name a standby of it with --read-database, by physical replication; or leave it out.',
      )
    case 'not_migrated':
      say(
        paintTalk(
          'yellow',
          `The replica ${shown} has an older schema than this release: it has not replayed \`syncproof migrate\` yet.`,
        ),
      )
      break
    case 'unavailable':
      say(
        paintTalk(
          'yellow',
          `The replica ${shown} does not answer. Events are taken in; reports are answered 503 until it does.`,
        ),
      )
  }
  return { url, store }
}
