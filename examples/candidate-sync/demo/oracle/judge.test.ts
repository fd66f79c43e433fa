import { describe, expect, it } from 'vitest'
import type { AppReply, AtsRequest, ClientRequest, HistoryRow, Row } from './evidence.ts'
import { judge } from './judge.ts'

const start = {
  id: 'c-1',
  name: 'Ada',
  email: 'ada@x',
  stage: 'applied',
  score: 1,
  notes: null,
  updatedBy: 'import',
}

/** `write('r1', 1, { email: 'new@x' })`: request r1 read revision 1 and changed the email. */
type Write = readonly [requestId: string, baseRevision: number, body: Row, options?: WriteOptions]
interface WriteOptions {
  /** The statement checked the revision. */
  readonly guarded?: boolean
  /** Set by the function, not by its caller. */
  readonly computed?: Row
  readonly reply?: AppReply
  readonly attempts?: readonly Partial<AtsRequest>[]
}

/** Runs a spread-merge for each write in the order of the commits and says what the oracle makes of it. */
function judged(...writes: readonly Write[]): readonly string[] {
  const history: HistoryRow[] = [
    {
      seq: 0,
      candidateId: 'c-1',
      xid: 'x0',
      baseRevision: null,
      guarded: false,
      old: null,
      new: { ...start, revision: 1 },
    },
  ]
  const requests: ClientRequest[] = []
  const atsRequests: AtsRequest[] = []
  writes.forEach(([id, baseRevision, changes, options], index) => {
    const body = { ...changes, updatedBy: id }
    const base = history[baseRevision - 1]?.new
    const old = history[index]?.new ?? null
    const row = { ...base, ...body, ...options?.computed, updatedAt: `t${index}`, revision: index + 2 }
    history.push({
      seq: index + 1,
      candidateId: 'c-1',
      xid: `x${index + 1}`,
      baseRevision: String(baseRevision),
      guarded: options?.guarded ?? false,
      old,
      new: row,
    })
    requests.push({ id, candidateId: 'c-1', body, reply: options?.reply ?? { kind: 'ok' } })
    const attempts = options?.attempts ?? [{ atsStatus: 200, answeredStatus: 200 }]
    const blank = {
      requestId: id,
      candidateId: 'c-1',
      body,
      fault: 'none',
      atsStatus: null,
      answeredStatus: null,
    }
    for (const attempt of attempts) atsRequests.push({ ...blank, ...attempt })
  })
  return judge({ history, requests, atsRequests }).map(({ kind, xid, fields }) =>
    [kind, xid, ...fields].join(' '),
  )
}

/** The first write shows it. */
const HAZARD = 'unguarded-read-modify-write x1'

describe('the oracle, of writes', () => {
  it('sees nothing lost in writes that each read what they overwrote', () => {
    expect(judged(['r1', 1, { email: 'a@x' }], ['r2', 2, { name: 'B' }])).toEqual([HAZARD])
  })

  it('sees the hazard in one write alone, and none where the statement checks the revision', () => {
    expect(judged(['r1', 1, { email: 'a@x' }])).toEqual([HAZARD])
    expect(judged(['r1', 1, { email: 'a@x' }, { guarded: true }])).toEqual([])
    expect(judged(['r1', 1, {}, { guarded: true }], ['r2', 2, {}])).toEqual([
      'unguarded-read-modify-write x2',
    ])
  })

  it('sees a lost update where a write put back a field that another had changed', () => {
    expect(judged(['r1', 1, { email: 'a@x' }], ['r2', 1, { name: 'B' }])).toEqual([
      'lost-update x2 email',
      HAZARD,
    ])
  })

  it('names every field that was lost, over any number of versions in between', () => {
    const writes: Write[] = [
      ['r1', 1, { email: 'a@x' }],
      ['r2', 2, { score: 7 }],
      ['r3', 1, { name: 'B' }],
    ]
    expect(judged(...writes)).toEqual(['lost-update x3 email score', HAZARD])
  })

  it('sees only a conflict where both set the same field because their callers asked for it', () => {
    expect(judged(['r1', 1, { email: 'a@x' }], ['r2', 1, { email: 'b@x' }])).toEqual([
      'write-conflict x2',
      HAZARD,
    ])
  })

  it('sees no loss of a field that had come back to what it was (A, B, A)', () => {
    const writes: Write[] = [
      ['r1', 1, { stage: 'offer' }],
      ['r2', 2, { stage: 'applied' }],
      ['r3', 1, { stage: 'hired' }],
    ]
    expect(judged(...writes)).toEqual(['write-conflict x3', HAZARD])
  })

  it('sees a loss where a function computed a new value from the one that it had read', () => {
    const computed = { computed: { score: 2 } }
    expect(judged(['r1', 1, { score: 5 }], ['r2', 1, {}, computed])[0]).toBe('lost-update x2 score')
  })

  it('sees none where it computed what was there already, or a field that nobody else had changed', () => {
    const same = { computed: { score: 5 } }
    const other = { computed: { notes: 'computed' } }
    expect(judged(['r1', 1, { score: 5 }], ['r2', 1, {}, same])[0]).toBe('write-conflict x2')
    expect(judged(['r1', 1, {}], ['r2', 1, {}, other])[0]).toBe('write-conflict x2')
  })

  it('counts a field as asked for where its new value equals any argument', () => {
    expect(judged(['r1', 1, { email: 'a@x' }], ['r2', 1, { name: 'ada@x' }])).toEqual([
      'write-conflict x2',
      HAZARD,
    ])
  })

  it('never counts id, updatedAt and revision', () => {
    expect(judged(['r1', 1, {}], ['r2', 1, {}])).toEqual(['write-conflict x2', HAZARD])
  })
})

describe('the oracle, of calls to the ATS', () => {
  const failed = (atsStatus: number | null): AppReply => ({ kind: 'ats-failed', atsStatus })

  it('sees a partial write where the ATS surely refused what the database has', () => {
    const refused = { reply: failed(422), attempts: [{ answeredStatus: 422 }] }
    expect(judged(['r1', 1, { name: 'A' }, refused])).toEqual(['partial-write x1', HAZARD])
  })

  it('sees none where it refused what it had already', () => {
    const refused = { reply: failed(422), attempts: [{ answeredStatus: 422 }] }
    expect(judged(['r1', 1, { stage: 'applied' }, refused])).toEqual([HAZARD])
  })

  it.each([
    ['no answer to a request that never arrived', failed(null), [{}]],
    ['no answer to a request that was applied', failed(null), [{ atsStatus: 200 }]],
    ['a request of which the proxy saw nothing', failed(null), []],
    ['a server error', failed(503), [{ answeredStatus: 503 }]],
    ['a conflict', failed(409), [{ answeredStatus: 409 }]],
    ['a refusal after an attempt without an answer', failed(422), [{}, { answeredStatus: 422 }]],
  ] as const)('calls %s unknown', (_what, reply, attempts) => {
    expect(judged(['r1', 1, {}, { reply, attempts }])).toEqual(['unknown-outcome x1', HAZARD])
  })

  it('judges the write and the call apart', () => {
    const refused = { reply: failed(422), attempts: [{ answeredStatus: 422 }] }
    expect(judged(['r1', 1, { name: 'A' }], ['r2', 1, { score: 9 }, refused])).toEqual([
      'lost-update x2 name',
      'partial-write x2',
      HAZARD,
    ])
  })
})

describe('the oracle, of evidence that contradicts itself', () => {
  it('refuses to judge a row version that no client asked for', () => {
    const row = { ...start, revision: 2, updatedBy: 'nobody' }
    const history = [
      { seq: 1, candidateId: 'c-1', xid: 'x1', baseRevision: '1', guarded: false, old: start, new: row },
    ]
    expect(() => judge({ history, requests: [], atsRequests: [] })).toThrow("'nobody', which no client sent")
  })

  it('refuses to judge a success of which the ATS knows nothing', () => {
    expect(() => judged(['r1', 1, {}, { attempts: [{}] }])).toThrow('never reached the ATS')
  })

  it('refuses to judge a refusal that the ATS applied', () => {
    const odd = {
      reply: { kind: 'ats-failed', atsStatus: 422 } as const,
      attempts: [{ atsStatus: 200, answeredStatus: 422 }],
    }
    expect(() => judged(['r1', 1, {}, odd])).toThrow('applied what the app was told it rejected')
  })
})
