import type { Finding } from '@syncproof/core/contract'
import type { FindingFilter } from '@syncproof/store'
import type { Context } from './context.ts'
import { limits } from './limits.ts'

/** Walks the findings that a filter names, newest first, at most `max` of them. */
export async function* eachFinding(
  context: Context,
  filter: FindingFilter,
  max: number,
): AsyncGenerator<Finding> {
  let cursor: string | undefined
  let left = max
  while (left > 0) {
    const request = { cursor, limit: Math.min(left, limits.pageSize) }
    const page = await context.store.findings.list(context.projectId, filter, request)
    yield* page.items
    left -= page.items.length
    if (page.next_cursor === null) return
    cursor = page.next_cursor
  }
}
