import { openStore, SCOPES, type Store } from '@syncproof/store'
import { type CommandContext, EXIT, type ExitCode, UsageError } from '../command.ts'
import { keyLines } from '../output/key-view.ts'
import { json } from '../output/terminal.ts'
import { plural, printable } from '../output/text.ts'
import { askDatabase } from '../reach.ts'
import { choicesSetting, databaseSetting, flagSetting, projectSetting, textSetting } from '../settings.ts'
import { PROJECT } from '../start-parts.ts'
import { suggestion } from '../suggest.ts'

const ACTIONS = ['create', 'list', 'revoke'] as const
const NAME_LENGTH_MAX = 100

type Action = (store: Store) => Promise<ExitCode>

/** Makes, lists and revokes keys, as who may write to the database. */
export async function run(context: CommandContext): Promise<ExitCode> {
  const action = actionOf(context)
  const url = databaseSetting(context)
  const store = openStore({ url, applicationName: 'syncproof keys' })
  try {
    return await askDatabase(url, async () => {
      await store.ready()
      return await action(store)
    })
  } finally {
    await store.close()
  }
}

/** What the command line asks for, checked before anything is opened.
 *  @throws UsageError */
function actionOf(context: CommandContext): Action {
  const [word = '', id] = context.positionals
  const action = ACTIONS.find((one) => one === word)
  if (action === undefined) {
    throw new UsageError(
      `keys does not know "${word}".${suggestion(word, ACTIONS)}`,
      'Usage: syncproof keys create, list, or revoke ID',
    )
  }
  for (const option of ['name', 'scope']) {
    if (action !== 'create' && context.options[option] !== undefined)
      throw new UsageError(`--${option} is of a new key: keys ${action} does not take it.`)
  }
  if (action !== 'revoke' && id !== undefined) throw new UsageError(`keys ${action} takes no "${id}".`)
  const project = projectSetting(context)
  if (action === 'create') return createKey(context, project ?? PROJECT)
  if (action === 'list') return listKeys(context, project)
  if (id === undefined) throw new UsageError('keys revoke needs ID.', '`syncproof keys list` shows the ids.')
  return revokeKey(context, id, project)
}

function createKey(context: CommandContext, project: string): Action {
  const { terminal } = context
  const name = nameSetting(context)
  const scopes = choicesSetting(context, 'scope', SCOPES)
  if (scopes.length === 0) {
    throw new UsageError(
      'keys create needs --scope: ingest, read or admin.',
      'None implies another: repeat --scope for a key that may do more.',
    )
  }
  return async (store) => {
    const { id, key } = await store.keys.create(project, name, scopes)
    if (flagSetting(context, 'json')) terminal.data(json({ version: 1, id, key, project, name, scopes }))
    else terminal.data(key)
    terminal.say(`Key ${id} of project ${project}: ${scopes.join(', ')}. It is shown this once only.`)
    return EXIT.clean
  }
}

function listKeys(context: CommandContext, project: string | undefined): Action {
  const { terminal } = context
  return async (store) => {
    const keys = await store.keys.list(project)
    if (flagSetting(context, 'json')) terminal.data(json({ version: 1, keys }))
    else
      for (const key of keys) {
        terminal.data(`${keyLines(key, terminal.paint, terminal.columns).join('\n')}\n`)
      }
    const live = keys.filter((key) => key.revoked_at === null).length
    terminal.say(`${plural(live, 'live key')}, ${keys.length - live} revoked.`)
    return EXIT.clean
  }
}

function revokeKey(context: CommandContext, id: string, project: string | undefined): Action {
  const { terminal } = context
  return async (store) => {
    const key = await store.keys.revoke(id, project)
    if (key === undefined) {
      const where = project === undefined ? '' : ` in project ${project}`
      throw new UsageError(
        `There is no key of the id "${id}"${where}.`,
        '`syncproof keys list` shows the ids.',
      )
    }
    if (flagSetting(context, 'json')) terminal.data(json({ version: 1, key }))
    else terminal.data(keyLines(key, terminal.paint, terminal.columns).join('\n'))
    terminal.say('Collectors take it no longer than 5 seconds after that.')
    if (!(await store.keys.exist())) {
      terminal.say(
        terminal.paintTalk(
          'yellow',
          'No live key is left: every request is refused. `syncproof keys create` makes one.',
        ),
      )
    }
    return EXIT.clean
  }
}

function nameSetting(context: CommandContext): string {
  const name = textSetting(context, 'name')
  if (name === undefined) {
    throw new UsageError(
      'keys create needs --name.',
      'Say who it is for: nobody dares to revoke a key that nobody knows.',
    )
  }
  if (name.length <= NAME_LENGTH_MAX && printable(name) === name) return name
  throw new UsageError(`--name must be at most ${NAME_LENGTH_MAX} characters that can be shown.`)
}
