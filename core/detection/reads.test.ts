import { describe, expect, test } from 'vitest'
import type { DetectedFinding, EventKind, StoredEvent } from '../contract/index.ts'
import type { Detector, OperationHistory } from './history.ts'
import { detectOperation, detectors } from './index.ts'
import { examples } from './testing/examples.ts'
import { without } from './testing/history-builder.ts'

function exampleOf({ id }: Detector): OperationHistory {
  const example = examples[id]
  if (!example) throw new Error(`testing/examples.ts has no example of ${id}`)
  return example
}

function found(detector: Detector, history: OperationHistory): readonly DetectedFinding[] {
  return detectOperation(history, [detector]).findings
}

/** Of every event, what names and places it; and what findings say without resting on it. */
const PLACE = ['id', 'kind', 'seq', 'at', 'monotonic_us', 'operation_id', 'process_id']
const SHOWN = /\.(name|trace_id|entity|system)$/

/** The members of events that the detector asked for, as `kind.member`. */
function asked(detector: Detector, history: OperationHistory): ReadonlySet<string> {
  const members = new Set<string>()
  const watched = (event: StoredEvent): StoredEvent =>
    new Proxy(event, {
      get(target, member) {
        if (typeof member === 'string' && !PLACE.includes(member)) members.add(`${event.kind}.${member}`)
        return Reflect.get(target, member)
      },
      // who makes a copy, or asks what is there, has not read it
      has: (target, member) => Reflect.has(target, member),
    })
  const all = (events: readonly StoredEvent[]) => events.map(watched)
  detector.detect({
    ...history,
    events: all(history.events),
    family: all(history.family),
    neighbours: (history.neighbours ?? []).map((other) => ({ ...other, events: all(other.events) })),
  })
  return members
}

describe.each(detectors)('$id', (detector) => {
  test('is found in its example', () => {
    expect(found(detector, exampleOf(detector))).toMatchObject([{ kind: detector.id }])
  })

  test.each(detector.reads)('is not claimed without %s', (member) => {
    const [kind, field = ''] = member.split('.') as [EventKind, string]
    const [whole] = found(detector, exampleOf(detector))
    const bare = found(detector, without(exampleOf(detector), kind, field))
    const isWeaker = ({ verdict }: DetectedFinding) =>
      verdict === 'indeterminate' && verdict !== whole?.verdict
    expect(bare.filter((finding) => !isWeaker(finding))).toEqual([])
  })

  test('reads nothing of an event that it does not declare', () => {
    const declared = new Set<string>([...detector.reads, ...(detector.heeds ?? [])])
    const undeclared = Object.values(examples).flatMap((history) => [...asked(detector, history)])
    expect(
      [...new Set(undeclared)].filter((member) => !declared.has(member) && !SHOWN.test(member)).sort(),
    ).toEqual([])
  })
})
