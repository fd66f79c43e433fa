import type { EntityRef } from '@syncproof/core/contract'
import { detectionRules } from '@syncproof/core/detection'
import type { ErasureCounts, Store } from '@syncproof/store'
import { type CommandContext, EXIT, type ExitCode } from '../command.ts'
import { namesOf } from '../hashed-id.ts'
import { openExisting } from '../open-embedded.ts'
import { erasureText, isNothing, sumOf } from '../output/erasure-text.ts'
import { json } from '../output/terminal.ts'
import { plural, printable } from '../output/text.ts'
import { flagSetting, projectSetting } from '../settings.ts'
import { PROJECT } from '../start-parts.ts'
import { withStore } from '../store-setting.ts'

/** Erases what is known of an entity, under its id and under the hash of it. Without --yes says only what that would be. */
export async function run(context: CommandContext): Promise<ExitCode> {
  const [type = '', id = ''] = context.positionals
  const project = projectSetting(context) ?? PROJECT
  const names = namesOf(context, { type, id })
  return await withStore(
    context,
    'syncproof erase',
    (store) =>
      flagSetting(context, 'yes')
        ? erase(context, store, project, names)
        : preview(context, store, project, names),
    openExisting,
  )
}

async function preview(
  context: CommandContext,
  store: Store,
  project: string,
  names: readonly EntityRef[],
): Promise<ExitCode> {
  const found: ErasureCounts[] = []
  for (const entity of names) found.push(await store.erasure.preview(project, entity))
  const known = sumOf(found)
  tell(context, project, known, { erased: false, done: false })
  const { terminal } = context
  if (isNothing(known)) terminal.say('Nothing is known of it.')
  else terminal.say('Nothing was erased. Repeat it with --yes: it cannot be undone.')
  return isNothing(known) ? EXIT.clean : EXIT.found
}

async function erase(
  context: CommandContext,
  store: Store,
  project: string,
  names: readonly EntityRef[],
): Promise<ExitCode> {
  const { terminal } = context
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort())
  const removed: ErasureCounts[] = []
  let since = 0
  for (const entity of names) {
    const erasure = await store.erasure.erase(project, entity, { signal: stop.signal, rules: detectionRules })
    removed.push(erasure.removed)
    since += erasure.events_since
  }
  const done = since === 0 && !stop.signal.aborted
  tell(context, project, sumOf(removed), { erased: true, done })
  if (stop.signal.aborted) terminal.say('Stopped before all was erased. The same command goes on.')
  else if (since > 0) {
    terminal.say(
      `${plural(since, 'event')} of it came in meanwhile: the app still sends. Repeat it when the app has ceased to.`,
    )
  } else
    terminal.say(
      'Erased. Backups, replicas and exports of the database are not: they have to go by themselves.',
    )
  if (done) return EXIT.clean
  return stop.signal.aborted ? EXIT.unable : EXIT.partial
}

function tell(
  context: CommandContext,
  project: string,
  counts: ErasureCounts,
  state: { readonly erased: boolean; readonly done: boolean },
): void {
  const { terminal, positionals } = context
  const [type = '', id = ''] = positionals
  if (flagSetting(context, 'json')) {
    terminal.data(
      json({
        version: 1,
        project,
        entity: { type, id },
        ...state,
        [state.erased ? 'removed' : 'known']: counts,
      }),
    )
    return
  }
  terminal.data(`${terminal.paint('bold', printable(`${type} ${id}`))}  ${erasureText(counts)}`)
}
