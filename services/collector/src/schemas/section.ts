import type { SectionRow } from '@syncproof/store'
import { z } from 'zod'
import { timeSchema } from './common.ts'
import { component } from './registry.ts'

const protections = ['row_lock', 'advisory_lock', 'version', 'serializable', 'external'] as const

export const sectionSchema: z.ZodType<SectionRow> = component(
  'Section',
  z.object({
    name: z.string(),
    service: z.string(),
    release: z.string().nullable(),
    protections: z
      .array(z.enum(protections))
      .meta({ description: 'What it declared; more than one where the code disagrees.' }),
    entered: z.int().meta({ description: 'Runs that were told: held + not_held + unknown.' }),
    held: z.int().meta({ description: 'Runs whose locking read held a lock.' }),
    not_held: z.int().meta({ description: 'Runs that surely held none.' }),
    unknown: z.int().meta({
      description:
        'Runs that were not checked: another protection than row_lock, or a read that found no row.',
    }),
    void: z
      .object({
        foreign_version: z.int(),
        overlap: z.int(),
        holds_nothing: z.int(),
        undecided: z.int().meta({ description: 'Not proven.' }),
      })
      .meta({ description: 'Findings of the kind lock-void, by way.' }),
    // sums of what senders claim are no safe integers any more
    events_missing: z.number().meta({
      description:
        "Of all events of this release's processes: dropped, sampled out, or lost. Runs may be among them that are not counted.",
    }),
    first_seen_at: timeSchema,
    last_seen_at: timeSchema,
  }),
)
