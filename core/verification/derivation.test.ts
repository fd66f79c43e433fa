import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { StoredEvent } from '../contract/index.ts'
import { NO_ROW } from '../contract/index.ts'
import type { OperationHistory } from '../detection/history.ts'
import { detectOperation } from '../detection/index.ts'
import { examples } from '../detection/testing/examples.ts'
import { finished, history, startedFor, sync, token, write } from '../detection/testing/history-builder.ts'
import { simulation } from '../detection/testing/simulation.ts'
import { verifyFinding } from './index.ts'
import { derivations } from './kinds/index.ts'
import { realFindings, theOne } from './testing/real-findings.ts'
import { findingsIn } from './testing/simulated-findings.ts'

/** fast-check prints the seed of a failure. TRUTH_RUNS asks for more than the few seconds of every test run. */
const RUNS = { numRuns: Number(process.env.TRUTH_RUNS ?? 1_000) }
const TIMEOUT_MS = 60_000 + RUNS.numRuns * 40

describe('a proven finding is verified from its witness alone', () => {
  test.each(Object.entries(realFindings))('%s', (_, finding) => {
    expect(verifyFinding(finding)).toMatchObject({ result: 'verified' })
  })

  test('of every kind that is ever proven', () => {
    const kinds = new Set(Object.values(realFindings).map(({ kind }) => kind))
    expect([...kinds].sort()).toEqual(Object.keys(derivations).sort())
  })

  test(
    'in whatever order operations met: never refuted, and not verifiable only where its witness lacks an event',
    () => {
      const seen: Record<string, number> = {}
      fc.assert(
        fc.property(simulation, ({ events }) => {
          for (const finding of findingsIn(events).filter(({ verdict }) => verdict === 'proven')) {
            const verification = verifyFinding(finding)
            if (verification.result === 'not-verifiable') expect(verification.why).toMatch(LACKS)
            else expect(verification).toMatchObject({ result: 'verified' })
            const seenAs = `${finding.kind} ${verification.result}`
            seen[seenAs] = (seen[seenAs] ?? 0) + 1
          }
        }),
        RUNS,
      )
      // nothing found would be easy to verify
      const found = Object.keys(seen).filter((seenAs) => seenAs.endsWith(' verified'))
      expect(found.sort()).toEqual(SIMULATED.map((kind) => `${kind} verified`))
    },
    TIMEOUT_MS,
  )
})

const LACKS = /nothing in the witness (says|leads)/
const SIMULATED = [
  'lock-void',
  'lost-update',
  'orphaned-operation',
  'partial-write',
  'reordered-sync',
  'write-conflict',
  'write-skew',
]

describe('what is taken on trust is named', () => {
  const trusted = (name: string) => {
    const verification = verifyFinding(realFindings[name])
    return verification.result === 'verified' ? verification.onTrust : []
  }
  test('the books of the process, where the proof rests on absence', () => {
    expect(trusted('orphaned-operation')).toContainEqual(
      expect.stringMatching(
        /^the books of process .* from seq 0 to 255, and seq 2–254, .* no end of the operation$/,
      ),
    )
    expect(trusted('write-skew')).toContainEqual(expect.stringContaining('from seq 0 to 4, and seq 1, '))
  })

  test('but not where the witness holds every event', () => {
    expect(trusted('partial-write, rejected').join()).not.toContain('books')
  })

  test('the name of the function, where its start is not in the witness', () => {
    expect(trusted('lost-update, set back').join()).toContain(
      'is syncCandidate, has the trace trace-1, ran in',
    )
    expect(trusted('partial-write, rejected').join()).not.toContain('syncCandidate')
  })

  test('what the row held before, where no event tells it', () => {
    const unknown = history(
      startedFor('ats'),
      write({ name: [undefined, undefined, 'Anna', 'value'] }, { overwritten_version: undefined }),
      sync('rejected', { name: 'Anna' }),
      finished(),
    )
    expect(verifyFinding(theOne('partial-write', unknown))).toMatchObject({
      result: 'verified',
      onTrust: expect.arrayContaining([expect.stringContaining('what it held before is not told')]),
    })
  })

  test('what the SDK saw, where it sends no value', () => {
    expect(trusted('invariant-violation').join()).toContain('the SDK evaluated the invariant')
  })
})

describe('it is not verifiable, with the reason,', () => {
  const without = (name: string, isLeftOut: (event: StoredEvent) => boolean) => {
    const finding = realFindings[name]
    const events = finding?.witness.events.filter((event) => !isLeftOut(event))
    return { ...finding, witness: { events } }
  }
  test.each<[string, unknown, RegExp]>([
    [
      'where the write between two versions is not in the witness',
      without(
        'reordered-sync, over a version in between',
        (event) => event.kind === 'write' && event.version === token('2b'),
      ),
      /version 3 to 2 or back/,
    ],
    [
      'where nothing says that the operation which was refused was a called one',
      without(
        'partial-write, refused to an operation that it called',
        (event) => event.kind === 'operation_started' && event.parent_operation_id !== undefined,
      ),
      /nothing .* says that syncCandidate called it/,
    ],
    [
      'where only the start of the operation would tell the entity',
      without('contract-violation', ({ kind }) => kind === 'operation_started'),
      /not that it was about candidate c-17: only the start/,
    ],
    [
      'of a kind that is not known here',
      { ...realFindings['write-conflict'], kind: 'time-travel' },
      /knows no finding/,
    ],
    ...(['hazard', 'observed', 'indeterminate'] as const).map((verdict): [string, unknown, RegExp] => [
      `of a finding that is ${verdict}`,
      { ...realFindings['write-conflict'], verdict, reason: 'An event is missing.' },
      {
        hazard: /nothing has gone wrong/,
        observed: /it rests on looking/,
        indeterminate: /decided: An event is/,
      }[verdict],
    ]),
  ])('%s', (_, finding, why) => {
    expect(verifyFinding(finding)).toMatchObject({
      result: 'not-verifiable',
      why: expect.stringMatching(why),
    })
  })

  test('and of another record than its start says, it is refuted', () => {
    const finding = realFindings['contract-violation']
    expect(verifyFinding({ ...finding, entity: { type: 'candidate', id: 'c-18' } })).toMatchObject({
      result: 'refuted',
    })
  })
})

describe('what is not proven is not verified when it is called so:', () => {
  const called = (whole: OperationHistory | undefined) =>
    detectOperation(whole ?? history()).findings.filter(({ verdict }) => verdict !== 'proven')
  test('every kind', () => {
    for (const whole of Object.values(examples))
      for (const finding of called(whole))
        expect(verifyFinding({ ...finding, verdict: 'proven' })).toMatchObject({ result: 'refuted' })
  })

  test(
    'what only two wall clocks say, and the fork of two writes',
    () => {
      fc.assert(
        fc.property(simulation, ({ events }) => {
          const open = findingsIn(events).filter(({ verdict }) => verdict !== 'proven')
          // whether the books were complete is what these two take on trust
          const rests = open.filter(({ kind }) => kind !== 'partial-write' && kind !== 'orphaned-operation')
          for (const finding of rests)
            expect(verifyFinding({ ...finding, verdict: 'proven' }).result).not.toBe('verified')
        }),
        RUNS,
      )
    },
    TIMEOUT_MS,
  )
})

test.each([undefined, null, 3, 'text', [], {}, { ...realFindings['write-skew'], witness: undefined }])(
  'refutes %j, and never throws',
  (value) => {
    expect(verifyFinding(value)).toMatchObject({ result: 'refuted' })
  },
)

test('a deletion that found no row splits nothing', () => {
  const gone = theOne(
    'partial-write',
    history(
      startedFor('ats'),
      write({}, { action: 'delete' }),
      sync('rejected', {}, { action: 'delete' }),
      finished(),
    ),
  )
  expect(verifyFinding(gone)).toMatchObject({ result: 'verified' })
  const events = gone.witness.events.map((event) =>
    event.kind === 'write' ? { ...event, overwritten_version: NO_ROW } : event,
  )
  expect(verifyFinding({ ...gone, witness: { events } })).toMatchObject({ result: 'refuted' })
})
