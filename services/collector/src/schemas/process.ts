import type { MinuteBooks, ProcessRow } from '@syncproof/store'
import { z } from 'zod'
import { timeSchema } from './common.ts'
import { component } from './registry.ts'

/** A sender may claim a sequence up to 2^53: sums of such are no safe integers any more. */
const count = z.number()
const dropped = z.record(z.string(), count).meta({ description: 'By reason.' })
const MADE_OF_SPANS = 'Null of a process that is made of spans, which counts nothing.'

export const processSchema: z.ZodType<ProcessRow> = component(
  'Process',
  z.object({
    id: z.string(),
    service: z.string(),
    release: z.string().nullable(),
    host: z.string().nullable(),
    first_seen_at: timeSchema,
    last_seen_at: timeSchema,
    ended: z.boolean(),
    produced: count.nullable().meta({
      description: `stored + dropped + in_flight + unaccounted. ${MADE_OF_SPANS}`,
    }),
    stored: count,
    dropped,
    in_flight: count.nullable().meta({
      description: `Neither stored nor dropped, and may be on its way. ${MADE_OF_SPANS}`,
    }),
    unaccounted: count.nullable().meta({
      description: `Neither stored nor dropped a minute after the process told of it: lost, for all that is known. ${MADE_OF_SPANS}`,
    }),
    inconsistent: count.meta({
      description:
        'They contradict one that was stored before, and prove nothing. Of those stored, but for copies of an id with other content: of such the first alone is stored.',
    }),
  }),
)

export const minuteSchema: z.ZodType<MinuteBooks> = component(
  'ProcessMinute',
  z.object({
    minute: timeSchema,
    produced: count,
    stored: count.meta({ description: 'Whenever they were produced.' }),
    dropped,
    in_flight: count.meta({ description: 'At the end of the minute.' }),
    unaccounted: count.meta({ description: 'Of what was produced until then, and never came.' }),
  }),
)
