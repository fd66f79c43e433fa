import { DUMP_VERSION, type DumpLine, isUuid, type OpaqueEvent } from '@syncproof/core/contract'
import { eventSchemas, opaqueEventSchema, processSchema } from '@syncproof/core/contract/schema'

/** Reads one line of an export. It is checked as if it had come from outside: a file may have been edited.
 *  @returns what is wrong with it, as a sentence's end, where it is none */
export function parseDumpLine(text: string): DumpLine | string {
  let line: unknown
  try {
    line = JSON.parse(text)
  } catch {
    return 'is no JSON, or was cut'
  }
  if (typeof line !== 'object' || line === null || !('type' in line)) return 'has no type'
  const fault = faultOf(line as { readonly [member: string]: unknown })
  return fault ?? (line as DumpLine)
}

function faultOf(line: { readonly [member: string]: unknown }): string | undefined {
  switch (line.type) {
    case 'export':
      return headFault(line.version, line.filter)
    case 'process':
      return processFault(line)
    case 'event':
      return eventFault(line)
    case 'cursor':
      return undefined
    case 'end':
      return Number.isSafeInteger(line.events) ? undefined : 'does not say how many events there are'
    default:
      return `is of a type that is not known here: ${String(line.type)}`
  }
}

function headFault(version: unknown, filter: unknown): string | undefined {
  if (version !== DUMP_VERSION) return `is of version ${String(version)}; this program reads ${DUMP_VERSION}`
  return typeof filter === 'object' && filter !== null ? undefined : 'does not say its filter'
}

function processFault({ process, first_seen_at, last_seen_at, inconsistent }: Record<string, unknown>) {
  const checked = processSchema.safeParse(process)
  if (!checked.success) return `has a process that breaks the contract: ${issueText(checked.error)}`
  if (![first_seen_at, last_seen_at].every((at) => typeof at === 'string' && Date.parse(at) > 0))
    return 'does not say when the process was seen'
  return Number.isSafeInteger(inconsistent)
    ? undefined
    : 'does not say how often the process contradicts itself'
}

function eventFault({ process_id, event, inconsistent }: Record<string, unknown>): string | undefined {
  if (typeof process_id !== 'string' || !isUuid(process_id)) return 'names no process'
  const { kind } = (event ?? {}) as Partial<OpaqueEvent>
  const schema =
    typeof kind === 'string' && Object.hasOwn(eventSchemas, kind)
      ? eventSchemas[kind as keyof typeof eventSchemas]
      : opaqueEventSchema
  const checked = schema.safeParse(event)
  if (!checked.success) return `has an event that breaks the contract: ${issueText(checked.error)}`
  if (inconsistent === undefined) return undefined
  const { contradicts, event_id } = (inconsistent ?? {}) as Record<string, unknown>
  const isKnown = ['sequence', 'operation', 'version'].includes(String(contradicts))
  const isNamed = event_id === null || (typeof event_id === 'string' && isUuid(event_id))
  return isKnown && isNamed ? undefined : 'has a mark that is not known here'
}

function issueText({ issues }: { readonly issues: readonly { path: PropertyKey[]; message: string }[] }) {
  const [issue] = issues
  return `${issue?.path.map(String).join('.')} ${issue?.message}`
}
