/** What of its events a proof does not rest on, by kind of finding and of event, member by member: changed or taken out,
 *  in some way that `tampering.ts` tries, the finding is verified all the same. The list only shrinks, or has a reason. */
const LISTED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'lost-update': {
    write:
      'action assigned.name base_fields.name base_fields.score base_version duration_us fields.name fields.score guard monotonic_us overwritten_fields.email overwritten_fields.name overwritten_fields.score process_id seq transaction version',
  },
  'write-conflict': {
    write:
      'action assigned.email base_fields.email base_version duration_us fields.email guard monotonic_us overwritten_fields.email process_id seq transaction version',
  },
  'lock-void': {
    section_entered: 'at duration_us id locked monotonic_us process_id seq transaction',
    write:
      'action assigned.score base_fields base_fields.score base_version duration_us fields.score guard known_versions.0 monotonic_us overwritten_fields overwritten_fields.score overwritten_version process_id seq system transaction version',
    operation_started:
      'at attempt duration_us entity.id entity.type id intent monotonic_us name seq trace_id',
    section_left: 'at duration_us id locked monotonic_us',
  },
  'partial-write': {
    operation_started:
      'at attempt duration_us entity.id entity.type id intent monotonic_us name syncs trace_id',
    write:
      'action assigned.email assigned.name assigned.triedAt at base_fields base_fields.email base_fields.name base_fields.triedAt base_version duration_us fields.email fields.name fields.triedAt guard id known_versions.0 monotonic_us overwritten_by_self overwritten_fields overwritten_fields.email overwritten_fields.name overwritten_fields.triedAt overwritten_version system transaction version',
    sync: 'action at attempt duration_us fields.email fields.name id monotonic_us outcome seq',
    operation_finished: 'calls duration_us id monotonic_us outcome seq',
  },
  'reordered-sync': {
    operation_started:
      'at attempt duration_us entity.id entity.type id intent monotonic_us name seq syncs syncs.0 syncs.0.system trace_id',
    write:
      'action assigned.email assigned.phone at base_fields base_fields.email base_fields.phone base_version duration_us fields.phone guard id known_versions.0 monotonic_us operation_id overwritten_by_self overwritten_fields overwritten_fields.email overwritten_fields.phone overwritten_version process_id seq system transaction',
    sync: 'action at attempt duration_us external_version monotonic_us operation_id seq',
    operation_finished: 'at duration_us id monotonic_us outcome seq',
  },
  'orphaned-operation': {
    operation_started: 'at attempt duration_us intent monotonic_us',
    write:
      'action assigned.email at base_fields base_fields.email base_version duration_us entity.id entity.type fields.email guard id known_versions.0 monotonic_us outcome overwritten_by_self overwritten_fields overwritten_fields.email overwritten_version seq system transaction version',
    process_ended: 'id monotonic_us seq',
  },
  'write-skew': {
    operation_started:
      'at attempt duration_us entity.id entity.type id intent monotonic_us name seq trace_id',
    read: 'at duration_us fields.onDuty id monotonic_us seq transaction',
    write:
      'action assigned.onDuty at base_fields base_fields.onDuty base_version duration_us fields.onDuty guard known_versions.0 monotonic_us overwritten_by_self overwritten_fields overwritten_fields.onDuty transaction',
    operation_finished: 'at duration_us id monotonic_us outcome seq',
  },
  'contract-violation': {
    contract_violated: 'duration_us monotonic_us process_id seq',
    operation_started: 'at attempt duration_us id intent monotonic_us',
  },
  'invariant-violation': {
    invariant_violated: 'duration_us monotonic_us process_id seq',
  },
}

/** As paths: `write.assigned.name`. */
export const UNHEEDED: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  Object.entries(LISTED).map(([kind, events]) => [
    kind,
    Object.entries(events).flatMap(([event, members]) =>
      members.split(' ').map((member) => `${event}.${member}`),
    ),
  ]),
)

/** Why, for each member. */
export const WHY: Readonly<Record<string, string>> = {
  action:
    'How the row was written: versions and values are what is compared. A deletion is told apart where it would end a proof.',
  assigned:
    'Of fields that are not lost, or not the ones that the split is about; and kinds of assignment that count alike.',
  at: "Wall clocks prove nothing. The time of the primary event is held against the finding's.",
  attempt:
    'The number is heeded only where a repeated attempt may have been applied before: not beside revisions or refusals.',
  base_fields:
    'What was read matters by whether it is as it was later, so another value that differs proves the same.',
  base_version:
    'Another version that the operation had seen, or none beside known_versions, leaves the replaced one unseen.',
  calls: 'More calls than the witness shows: they may have done nothing that the split is about.',
  duration_us:
    "An answer's time is heeded only where one thing must have come after another; there, a small change is none.",
  entity: 'Of a start: that the call was about another record. Of what an orphan did: it ended all the same.',
  external_version: 'Another number above, or below, the other one.',
  fields:
    'A value matters by whether it is the same as another one; and of fields that are not claimed, not at all.',
  guard: 'What should have kept another writer out did not, whatever it was.',
  id: "Of an event that the finding's id is no hash of. No two events of a witness may share one.",
  intent: 'Not read by any rule.',
  known_versions: 'Told by the finding where the replaced version must not be among them; else not read.',
  locked: 'Of two that overlapped: both were inside, whatever their locking reads said.',
  monotonic_us: 'Another moment in the same order, or one that no order is claimed of.',
  name: "Of a start that is not the cause's.",
  operation_id:
    'Of the outbox that sent the newer version, for on_behalf_of says whose it was; of a write between two versions.',
  outcome:
    'The end of an operation may be a failure; an older attempt may have been refused, too; an orphan may have done it.',
  overwritten_by_self: 'Heeded where an unread version is claimed; else not read.',
  overwritten_fields:
    'What was there matters by whether it is as read or as written, so another value that differs proves the same.',
  overwritten_version:
    'Of the older one of two versions, or where no version is claimed to be unread, it is not read.',
  process_id: 'One event alone says it all: no order, no absence.',
  seq: 'Another place in the sequence that contradicts no other event, with the absence that is taken on trust.',
  syncs: 'Heeded where a system was not reached; else not read.',
  system:
    'Any system that is not the one that was to be reached; where the finding names it, it is held against it.',
  trace_id: "Of a start that is not the cause's.",
  transaction: 'Another one that is known, and is not that of the other side.',
  version: 'Another one than was replaced, or than was read.',
}
