import { type EntityRef, limits } from '@syncproof/core/contract'
import { z } from 'zod'
import { component } from './registry.ts'

export const nameParameter = z.string().min(1).max(limits.stringLengthMax)

/** A point in time as a filter. Years that PostgreSQL cannot hold, or offsets that it does not read, never reach it:
 *  the value that goes on is UTC. */
export const sinceParameter = z.iso
  .datetime({ offset: true, abort: true })
  .refine((text) => Date.parse(text) >= 0, { message: 'must not be before 1970', abort: true })
  .overwrite((text) => new Date(text).toISOString())
  .optional()
  .meta({ description: 'RFC 3339.' })

export const timeSchema = z.string().meta({ format: 'date-time' })

export const entitySchema: z.ZodType<EntityRef> = component(
  'Entity',
  z.object({ type: z.string(), id: z.string() }),
)
