import { isToken, parseToken, tokensComparable } from '../contract/index.ts'
import { type Step, step } from './proof.ts'
import type { EventOf } from './witness.ts'

/** A committed write replaced a version of the row that its operation had never seen. The one event says all of it, so
 *  that no other event can add to it or take it back. */
export function foreignVersionSteps(write: EventOf<'write'>): readonly Step[] {
  const { overwritten_version: replaced, base_version: base, known_versions: known } = write
  const seen = base === undefined ? known : [...known, base]
  return [
    ...committedSteps(write),
    step(
      replaced !== undefined && isToken(replaced),
      'The write names the version that it replaced.',
      'Else nobody knows whether its operation had read that version.',
    ),
    step(
      write.overwritten_by_self === false,
      'The replaced version is surely not of its own transaction.',
      'What a transaction made itself it has not overlooked.',
    ),
    step(
      write.known_incomplete !== true,
      'What its operation had seen of the row is known in full.',
      'The replaced version may be among what is left out.',
    ),
    step(
      seen.length > 0,
      'Its operation had seen the row before.',
      'Who never looked has overlooked nothing.',
    ),
    step(
      replaced !== undefined && seen.every((token) => tokensComparable(token, replaced)),
      'Every version that its operation had seen can be compared with the replaced one.',
      'A token of another kind may name the very same version.',
    ),
    step(
      replaced !== undefined && !seen.includes(replaced),
      'The replaced version is none that its operation had seen.',
      'A version that was seen is not overwritten unread.',
    ),
    step(
      write.version !== replaced,
      'The write made another version than the one that it replaced.',
      'Two updates of one transaction share their version: it would have replaced its own.',
    ),
  ]
}

/** Surely applied, as one row. */
export function committedSteps(write: EventOf<'write'>): readonly Step[] {
  return [
    step(
      write.outcome === 'ok',
      `The write of ${write.entity.id} was applied.`,
      'What was refused, or may have been, has changed nothing for sure.',
    ),
    step(
      write.transaction !== undefined,
      `The transaction of the write of ${write.entity.id} is known.`,
      'Else its outcome is not its final fate: the transaction may have been rolled back.',
    ),
    step(
      write.rows_over_limit === undefined,
      `The write of ${write.entity.id} tells of one row.`,
      'Of more rows than are told one by one nobody knows what each of them was before.',
    ),
  ]
}

/** The last part of a token, which is what tells two versions of a row apart. */
export function versionName(token: string | undefined): string {
  return (token !== undefined && parseToken(token)?.value) || (token ?? 'unknown')
}
