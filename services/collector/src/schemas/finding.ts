import {
  type Cause,
  FINDING_KINDS,
  FINDING_STATUSES,
  type Finding,
  type Observation,
  SEVERITIES,
  VERDICTS,
} from '@syncproof/core/contract'
import { z } from 'zod'
import { entitySchema, timeSchema } from './common.ts'
import { storedEventSchema } from './event.ts'
import { component } from './registry.ts'

export const verdictSchema = z.enum(VERDICTS)
export const statusSchema = z.enum(FINDING_STATUSES)

const causeSchema: z.ZodType<Cause> = z.looseObject({
  operation_id: z.string().optional(),
  operation: z.string().optional(),
  service: z.string().optional(),
  release: z.string().optional(),
  trace_id: z.string().optional(),
})

const observationSchema: z.ZodType<Observation> = z.looseObject({
  system: z.string(),
  observed_at: timeSchema,
  found: z.boolean(),
  fields: z.record(z.string(), z.string()),
})

export const findingSchema: z.ZodType<Finding> = component(
  'Finding',
  z.object({
    id: z.string(),
    kind: z.enum(FINDING_KINDS),
    verdict: verdictSchema,
    severity: z.enum(SEVERITIES),
    status: statusSchema,
    entity: entitySchema.optional(),
    fields: z.array(z.string()),
    summary: z.string(),
    reason: z.string().optional(),
    cause: causeSchema,
    witness: z.object({
      events: z.array(storedEventSchema),
      observations: z.array(observationSchema).optional(),
    }),
    occurred_at: timeSchema,
    details: z.record(z.string(), z.unknown()),
    first_seen_at: timeSchema,
    last_seen_at: timeSchema,
    occurrences: z.int(),
    resolution: z.object({ at: timeSchema, why: z.string() }).optional(),
    note: z.string().optional(),
  }),
)
