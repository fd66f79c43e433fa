import { isHashedId } from '@syncproof/core/contract'
import type { Context } from '../context.ts'
import type { Pair } from '../pairs.ts'

/** Older operations tell how the app named records then. */
const LOOK_BACK_MS = 60 * 60 * 1000

/** Whether a record of the pair may be called this: by its key, or by a hash with the reconciler's own key. */
export function isNameOf({ hasHashedIds }: Pair, keyId: string, name: string): boolean {
  return isHashedId(name) === hasHashedIds && (!hasHashedIds || name.startsWith(`${keyId}.`))
}

/** Says so where the app calls the records of this pair otherwise than the reconciler does: then its events explain
 *  nothing that is found, and what it has in flight is not waited for. Undefined where both agree, or nothing was
 *  reported lately. */
export async function namedOtherwise(context: Context, pair: Pair, keyId: string) {
  const filter = {
    entity_type: pair.entityType,
    since: new Date(Date.now() - LOOK_BACK_MS).toISOString(),
  }
  const { items } = await context.store.operations.list(context.projectId, filter, { limit: 1 })
  const name = items[0]?.entity.id
  if (name === undefined || isNameOf(pair, keyId, name)) return undefined
  const detail = !isHashedId(name)
    ? `The app reports ids of '${pair.entityType}' as they are, and this pair hashes them. Declare \`entityId: 'hashed'\` in \`createSyncproof\` too, or take it off the pair.`
    : pair.hasHashedIds
      ? `The app hashes ids of '${pair.entityType}' with another key. Set SYNCPROOF_FINGERPRINT_KEY to the same secret for the app and the reconciler.`
      : `The app hashes ids of '${pair.entityType}', and this pair does not. Declare \`entityId: 'hashed'\` on the pair too.`
  return { code: 'ids_named_otherwise', detail }
}
