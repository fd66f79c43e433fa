import type { Page, PageRequest } from '@syncproof/store'
import { z } from 'zod'
import { collectorLimits } from '../limits.ts'
import { component } from './registry.ts'

/** `{ items, next_cursor }`, a component of its own. */
export function pageOf<T>(id: string, item: z.ZodType<T>): z.ZodType<Page<T>> {
  return component(
    id,
    z.object({
      items: z.array(item),
      next_cursor: z
        .string()
        .nullable()
        .meta({ description: 'Pass it as cursor for the next page; null on the last one.' }),
    }),
  )
}

export const cursorParameter = z
  .string()
  .min(1)
  .max(collectorLimits.cursorLengthMax)
  .optional()
  .meta({ description: 'next_cursor of the page before.' })

/** The query members of every list. */
export const pageQuery = {
  cursor: cursorParameter,
  limit: z.coerce.number().int().min(1).max(collectorLimits.pageMax).default(collectorLimits.pageDefault),
}

/** Splits a validated query into the page that it asks for and the filter. */
export function splitQuery<Q extends PageRequest>(
  query: Q,
): { page: PageRequest; filter: Omit<Q, keyof PageRequest> } {
  const { cursor, limit, ...filter } = query
  return { page: { cursor, limit }, filter }
}
