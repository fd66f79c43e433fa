import type { DetectedFinding, ProcessReport, StoredEvent } from '@syncproof/core/contract'
import { detectOperation } from '@syncproof/core/detection'
import { verifyFinding } from '@syncproof/core/verification'
import { historiesOf } from './histories.ts'

/** What the detectors say of a round, in the words of those who know what happened: keys of calls, not ids. Each kind
 *  has texts that are equal to the oracle's where both mean the same. */
export interface Claims {
  /** `call row fields`. */
  readonly lost: readonly string[]
  /** `call row`. */
  readonly conflicts: readonly string[]
  /** `call how`. */
  readonly splits: readonly string[]
  /** By call. */
  readonly voidByForeign: readonly string[]
  readonly voidByNothing: readonly string[]
  /** `call call`, in order. */
  readonly overlaps: readonly string[]
  readonly skews: readonly string[]
  /** `older newer`, by the calls whose change they carry. */
  readonly reorders: readonly string[]
  /** By call. */
  readonly orphans: readonly string[]
  /** `call row`: observed, not proven. */
  readonly unobserved: readonly string[]
  /** By row: neither proven nor observed before both records were read. */
  readonly duplicates: readonly string[]
  /** Every proven finding, by id, with its kind. */
  readonly proven: ReadonlyMap<string, string>
  /** Proven ones that do not follow from their own witness. */
  readonly unverified: readonly string[]
  /** Kinds that were proven without a place in this list. */
  readonly others: readonly string[]
}

type Text = keyof Omit<Claims, 'proven'>

/** Judges every operation of these events.
 *  @param whole nothing that any process produced is missing
 *  @param callOf the key of the call that an operation is, by its id
 *  @throws what a detector threw */
export function claimsOf(
  events: readonly StoredEvent[],
  processes: ReadonlyMap<string, ProcessReport>,
  callOf: CallOf,
  whole: boolean,
): Claims {
  const proven = new Map<string, string>()
  const texts = new Map<Text, Set<string>>()
  for (const history of historiesOf(events, processes, whole)) {
    const { findings, failures } = detectOperation(history)
    if (failures[0]) throw failures[0].error
    for (const finding of findings) {
      const isUnproven = finding.kind === 'unobserved-write' || finding.kind === 'duplicate-create'
      if (finding.verdict !== 'proven' && !isUnproven) continue
      const [kind, text] = textOf(finding, callOf)
      texts.set(kind, (texts.get(kind) ?? new Set()).add(text))
      if (isUnproven) continue
      proven.set(finding.id, finding.kind)
      const verification = verifyFinding(asShown(finding))
      if (verification.result !== 'verified')
        texts.set(
          'unverified',
          (texts.get('unverified') ?? new Set()).add(
            `${finding.kind} ${text}: ${JSON.stringify(verification)}`,
          ),
        )
    }
  }
  const list = (kind: Text) => [...(texts.get(kind) ?? [])].sort()
  return {
    lost: list('lost'),
    conflicts: list('conflicts'),
    splits: list('splits'),
    voidByForeign: list('voidByForeign'),
    voidByNothing: list('voidByNothing'),
    overlaps: list('overlaps'),
    skews: list('skews'),
    reorders: list('reorders'),
    orphans: list('orphans'),
    unobserved: list('unobserved'),
    duplicates: list('duplicates'),
    others: list('others'),
    unverified: list('unverified'),
    proven,
  }
}

/** As the report API shows it. */
function asShown(finding: DetectedFinding): object {
  const seen = { first_seen_at: finding.occurred_at, last_seen_at: finding.occurred_at }
  return { ...finding, ...seen, status: 'open', sightings: 1 }
}

export type CallOf = (operation: string | undefined) => string

/** @param events all that were sent: one that was lost on its way would name a call otherwise */
export function callsOf(events: readonly StoredEvent[]): CallOf {
  const keys = new Map(
    events.flatMap((event) =>
      event.kind === 'operation_started' ? [[event.operation_id, event.idempotency_key ?? '']] : [],
    ),
  )
  return (operation) => keys.get(operation ?? '') ?? `unknown ${operation}`
}

function textOf(finding: DetectedFinding, callOf: CallOf): [Text, string] {
  const call = callOf(finding.cause.operation_id)
  const row = finding.entity?.id ?? ''
  switch (finding.kind) {
    case 'lost-update':
      return ['lost', `${call} ${row} ${finding.fields.join(',')}`]
    case 'write-conflict':
      return ['conflicts', `${call} ${row}`]
    case 'partial-write':
      return ['splits', `${call} ${finding.details.how}`]
    case 'lock-void':
      return voidText(finding, call, callOf)
    case 'write-skew':
      return ['skews', pair(operationsOf(finding, 'write').map(callOf))]
    case 'reordered-sync': {
      const [newer, older] = finding.witness.events.filter((event) => event.kind === 'sync')
      return [
        'reorders',
        [older, newer].map((sync) => callOf(sync?.on_behalf_of ?? sync?.operation_id)).join(' '),
      ]
    }
    case 'unobserved-write':
      return ['unobserved', `${call} ${row}`]
    case 'duplicate-create':
      return ['duplicates', row]
    case 'orphaned-operation':
      return ['orphans', call]
    default:
      return ['others', `${finding.kind} ${call}`]
  }
}

function voidText(finding: DetectedFinding, call: string, callOf: CallOf): [Text, string] {
  switch (finding.details.how) {
    case 'foreign-version':
      return ['voidByForeign', call]
    case 'holds-nothing':
      return ['voidByNothing', call]
    default:
      return ['overlaps', pair(operationsOf(finding, 'section_entered').map(callOf))]
  }
}

function operationsOf({ witness }: DetectedFinding, kind: 'write' | 'section_entered'): string[] {
  return witness.events.flatMap((event) => (event.kind === kind ? [event.operation_id] : []))
}

function pair(calls: readonly string[]): string {
  return [...calls].sort().join(' ')
}
