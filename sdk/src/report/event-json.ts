import type { EventKind } from '@syncproof/core/contract'
import type { Members } from './reporter.ts'
import { jsonOf, jsonOfMembers, labelJson } from './text-map.ts'

/** The members of an event, each with a comma before it, spelled by the shape of its kind: of the kinds that every call
 *  has. Walking the members of an object by name costs several times as much. */
const spellings: { readonly [K in EventKind]?: (members: Members<K>) => string } = {
  operation_started: (event) =>
    `,"name":${labelJson(event.name)},"entity":${jsonOf(event.entity)},"root_operation_id":"${event.root_operation_id}","attempt":${jsonOf(event.attempt)},"intent":${labelJson(event.intent)}${
      optional(',"parent_operation_id":', event.parent_operation_id) +
      optional(',"retry_of":', event.retry_of) +
      optional(',"idempotency_key":', event.idempotency_key) +
      optional(',"syncs":', event.syncs) +
      optional(',"trace_id":', event.trace_id) +
      optional(',"span_id":', event.span_id)
    }`,
  read: (event) =>
    `,"system":${labelJson(event.system)},"entity":${jsonOf(event.entity)},"found":${event.found},"fields":${jsonOf(event.fields)}${
      optional(',"version":', event.version) +
      optional(',"transaction":', event.transaction) +
      optional(',"lock":', event.lock) +
      optional(',"duration_us":', event.duration_us)
    }`,
  write: (event) =>
    `,"system":${labelJson(event.system)},"entity":${jsonOf(event.entity)},"action":${labelJson(event.action)},"known_versions":${jsonOf(event.known_versions)},"assigned":${jsonOf(event.assigned)},"fields":${jsonOf(event.fields)},"guard":${labelJson(event.guard)},"outcome":"${event.outcome}"${
      optional(',"base_version":', event.base_version) +
      optional(',"known_incomplete":', event.known_incomplete) +
      optional(',"overwritten_version":', event.overwritten_version) +
      optional(',"overwritten_by_self":', event.overwritten_by_self) +
      optional(',"version":', event.version) +
      optional(',"base_fields":', event.base_fields) +
      optional(',"overwritten_fields":', event.overwritten_fields) +
      optional(',"section":', event.section) +
      optional(',"transaction":', event.transaction) +
      optional(',"duration_us":', event.duration_us) +
      optional(',"rows_over_limit":', event.rows_over_limit)
    }`,
  sync: (event) =>
    `,"system":${labelJson(event.system)},"entity":${jsonOf(event.entity)},"action":${labelJson(event.action)},"fields":${jsonOf(event.fields)},"outcome":"${event.outcome}","attempt":${jsonOf(event.attempt)}${
      optional(',"version":', event.version) +
      optional(',"external_id":', event.external_id) +
      optional(',"external_version":', event.external_version) +
      optional(',"external_ordered":', event.external_ordered) +
      optional(',"unique_key":', event.unique_key) +
      optional(',"status":', event.status) +
      optional(',"idempotency_key":', event.idempotency_key) +
      optional(',"on_behalf_of":', event.on_behalf_of) +
      optional(',"duration_us":', event.duration_us)
    }`,
  operation_finished: (event) =>
    `,"outcome":"${event.outcome}"${
      optional(',"error":', event.error) +
      optional(',"in_flight":', event.in_flight) +
      optional(',"calls":', event.calls) +
      optional(',"duration_us":', event.duration_us)
    }`,
}

function optional(name: string, value: unknown): string {
  return value === undefined ? '' : name + jsonOf(value)
}

export function membersJson<K extends EventKind>(kind: K, members: Members<K>): string {
  return spellings[kind]?.(members) ?? jsonOfMembers(members)
}
