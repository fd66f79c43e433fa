import { tokensComparable } from '../contract/index.ts'
import { isCommitted, type StoredOf } from './events.ts'

/** The version that this write surely replaced without its operation ever having seen it; undefined where the
 *  event does not prove that. One event of the writer decides: no other event can add to it or retract it. */
export function foreignVersionOf(write: StoredOf<'write'>): string | undefined {
  const overwritten = write.overwritten_version
  if (!isCommitted(write)) return undefined
  if (overwritten === undefined) return undefined
  if (write.known_incomplete === true || write.overwritten_by_self !== false) return undefined
  const { known_versions: known, base_version: base } = write
  // nobody said what was known
  if (!Array.isArray(known)) return undefined
  if (base === overwritten || known.includes(overwritten)) return undefined
  // who never saw the row cannot have missed a version of it
  if (known.length === 0 && base === undefined) return undefined
  // where it replaced no row there is nothing to compare; a token of another kind may name the very version that was overwritten
  if (!known.every((token) => tokensComparable(token, overwritten))) return undefined
  if (base !== undefined && !tokensComparable(base, overwritten)) return undefined
  // made by this write's own transaction after all: two updates in one transaction share their xmin
  return write.version === overwritten ? undefined : overwritten
}
