import type { EntityRef, WriteEvent } from '@syncproof/core/contract'
import type { Context } from './context.ts'
import type { Lesson } from './knowledge.ts'

/** The innermost section around a write that is about its entity. */
export function describeSection(
  { sections }: Context,
  entity: EntityRef,
  base: Lesson | undefined,
): WriteEvent['section'] {
  if (!sections) return undefined
  for (const section of sections.toReversed()) {
    const described = section.describe(entity, base)
    if (described) return described
  }
  return undefined
}
