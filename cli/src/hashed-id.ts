import { createFingerprinter, type EntityRef, isHashedId } from '@syncproof/core/contract'
import type { CommandContext } from './command.ts'
import { fingerprintKey } from './guidance.ts'
import { flagSetting } from './settings.ts'

/** What an app that declares `entityId: 'hashed'` calls this entity; undefined where that is not to be looked for. */
function hashOf(context: CommandContext, entity: EntityRef): string | undefined {
  if (flagSetting(context, 'as-is') || isHashedId(entity.id)) return undefined
  return createFingerprinter(fingerprintKey(context)).entityId(entity)
}

/** Looks an entity up by the hash of its id, then by the id: who types an id does not know which of them the app sends,
 *  and an id that is hashed should reach no log on the way. Says on stderr where the hash was it.
 *  @param look undefined where nothing is known under this id */
export async function lookUp<T>(
  context: CommandContext,
  entity: EntityRef,
  look: (entity: EntityRef) => Promise<T | undefined>,
): Promise<T | undefined> {
  const id = hashOf(context, entity)
  const known = id === undefined ? undefined : await look({ type: entity.type, id })
  if (known === undefined) return look(entity)
  context.terminal.say(
    `The id is hashed with SYNCPROOF_FINGERPRINT_KEY: it is known as ${id}. --as-is looks for the id itself.`,
  )
  return known
}

/** Every name under which something may be known of this entity: the hash of its id, and the id. */
export function namesOf(context: CommandContext, entity: EntityRef): readonly EntityRef[] {
  const id = hashOf(context, entity)
  return id === undefined ? [entity] : [{ type: entity.type, id }, entity]
}
