import { resolve } from 'node:path'
import { migrateStore, openStore, type Store } from '@syncproof/store'
import { type CommandContext, UsageError } from './command.ts'
import { openEmbedded } from './open-embedded.ts'
import { askDatabase } from './reach.ts'
import { databaseSetting, textSetting } from './settings.ts'

/** Does something with the store that `--database` names, or with the embedded one of `--data`, and closes it.
 *  @param openData how the folder is opened
 *  @throws UsageError, UnableError */
export async function withStore<T>(
  context: CommandContext,
  name: string,
  use: (store: Store) => Promise<T>,
  openData: (dir: string) => ReturnType<typeof openEmbedded> = openEmbedded,
): Promise<T> {
  const data = textSetting(context, 'data')
  if (data === undefined) {
    const url = databaseSetting(context)
    await using opened = new AsyncDisposableStack()
    const store = openStore({ url, applicationName: name })
    opened.defer(() => store.close())
    return await askDatabase(url, async () => {
      await store.ready()
      return await use(store)
    })
  }
  if (context.options.database !== undefined)
    throw new UsageError('--data and --database exclude each other: each says where the events are kept.')
  await using opened = new AsyncDisposableStack()
  const pool = await openData(resolve(context.folder, data))
  opened.defer(() => pool.end())
  await migrateStore({ pool })
  const store = openStore({ pool })
  opened.defer(() => store.close())
  return await use(store)
}
