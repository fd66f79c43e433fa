import { eventSchemas } from '@syncproof/core/contract/schema'
import { describe, expect, it } from 'vitest'
import type { EntityTypes } from '../src/index.ts'
import { recordedClient } from './recorded-client.ts'

interface Candidate {
  status: string
  email: string | null
  score: number
}

// a type: an interface cannot say what an invariant is asked of
type Scored = { score: number }

const entities: EntityTypes = {
  candidate: {
    invariants: {
      hiredHasEmail: (c) => c.status !== 'hired' || c.email !== null,
      scoreIsPositive: (c: Scored) => c.score >= 0,
    },
  },
}
const entity = (id: string) => ({ type: 'candidate', id })

async function start(options: { readonly entities?: EntityTypes } = { entities }) {
  const { server, syncproof, warnings } = await recordedClient(options)
  const broken = async () => {
    await syncproof.flush()
    const events = server.ofKind('invariant_violated')
    for (const event of events) expect(eventSchemas.invariant_violated.safeParse(event).error).toBeUndefined()
    return events.map(({ name }) => name)
  }
  const write = (record: object, result: () => unknown = () => {}) =>
    syncproof.wrap((_id: string) => syncproof.write('db', record, result), { entity })('c1')
  return { server, warnings, syncproof, broken, write }
}

const fine: Candidate = { status: 'hired', email: 'ann@x.org', score: 1 }

describe('a declared invariant', () => {
  it('that the written record breaks is told, with the record it is about', async () => {
    const { server, write, broken } = await start()
    write(fine)
    write({ ...fine, email: null })
    write({ ...fine, email: null, score: -1 })
    expect(await broken()).toEqual(['hiredHasEmail', 'hiredHasEmail', 'scoreIsPositive'])
    expect(server.ofKind('invariant_violated')[0]).toMatchObject({ entity: entity('c1'), system: 'db' })
  })

  it('is told before the operation has finished', async () => {
    const { server, write, broken } = await start()
    write({ ...fine, email: null })
    await broken()
    const kinds = server.events().map((event) => event.kind)
    expect(kinds).toEqual(['operation_started', 'write', 'invariant_violated', 'operation_finished'])
  })

  it.each<[string, object]>([
    ['lacks the field that it looks at', { status: 'hired', score: 1 }],
    ['has it undefined', { ...fine, score: undefined }],
    ['has a change in place of the value', { ...fine, score: { decrement: 5 } }],
  ])('is not judged by a record that %s', async (_, record) => {
    const { write, broken, warnings } = await start()
    write(record)
    expect(await broken()).toEqual([])
    expect(warnings).toEqual([])
  })

  it('is not judged by a write that was refused, or may have been', async () => {
    const { syncproof, write, broken } = await start()
    for (const code of ['23505', '08006'])
      expect(() =>
        write({ ...fine, score: -1 }, () => {
          throw Object.assign(new Error('refused'), { code })
        }),
      ).toThrow('refused')
    const failing = syncproof.wrap(
      (_id: string) => {
        syncproof.write('db', { ...fine, score: -1 }, () => {})
        throw new Error('rolls back')
      },
      { entity },
    )
    expect(() => failing('c1')).toThrow('rolls back')
    syncproof.wrap(
      (_id: string) => syncproof.write('db', { ...fine, score: -1 }, () => {}, { action: 'delete' }),
      { entity },
    )('c1')
    expect(await broken()).toEqual([])
  })

  it('is judged by the last of several writes, also by called functions', async () => {
    const { syncproof, broken } = await start()
    const write = syncproof.wrap(
      (_id: string, record: Candidate) => syncproof.write('db', record, () => {}),
      { entity },
    )
    const run = syncproof.wrap(
      (id: string, records: readonly Candidate[]) => {
        for (const record of records) write(id, record)
      },
      { entity },
    )
    run('c1', [{ ...fine, email: null }, fine])
    expect(await broken()).toEqual([])
    run('c1', [fine, { ...fine, email: null }])
    expect(await broken()).toEqual(['hiredHasEmail'])
  })

  it('that throws is one warning, which tells no value', async () => {
    const throwing = () => {
      throw new TypeError('canary-7f3a')
    }
    const { write, broken, warnings } = await start({ entities: { candidate: { invariants: { throwing } } } })
    write(fine)
    write(fine)
    expect(await broken()).toEqual([])
    expect(warnings).toMatchObject([
      { code: 'invariant_failed', message: /throwing of candidate.*TypeError/ },
    ])
    expect(JSON.stringify(warnings)).not.toContain('7f3a')
  })

  it('cannot change the record', async () => {
    const meddles = (c: Record<string, unknown>) => {
      c.email = null
      return true
    }
    const { write } = await start({ entities: { candidate: { invariants: { meddles } } } })
    const record = { ...fine }
    write(record)
    expect(record).toEqual(fine)
  })
})

describe('what a wrapper declares', () => {
  it('counters and fields of the last writer hold for every write of its entity, beside those of a mark', async () => {
    const { server, syncproof } = await start({})
    syncproof.wrap(
      (_id: string) => {
        const record = { score: 5, status: 'x', seenBy: 'y', other: 'z' }
        syncproof.write('db', record, () => {}, { lastWriteWins: ['seenBy'] })
        syncproof.write('db', record, () => {}, { entity: { type: 'job', id: '1' } })
      },
      { entity, counter: ['score'], lastWriteWins: ['status'], input: () => [] },
    )('c1')
    await syncproof.flush()
    expect(server.ofKind('write').map((event) => event.assigned)).toEqual([
      { score: 'counter', status: 'last_write_wins', seenBy: 'last_write_wins', other: 'value' },
      { score: 'value', status: 'value', seenBy: 'value', other: 'value' },
    ])
  })

  it('an outbox worker says whose write it carries, by the id that the writer kept', async () => {
    const { server, syncproof } = await start({})
    const jobs: { operationId: string | undefined }[] = []
    syncproof.wrap((_id: string) => void jobs.push({ operationId: syncproof.operationId() }), { entity })(
      'c1',
    )
    const [job = { operationId: undefined }] = jobs
    const worker = syncproof.wrap((_job: typeof job) => syncproof.sync('ats', {}, () => {}), {
      entity: () => entity('c1'),
      onBehalfOf: ({ operationId }) => operationId,
    })
    worker(job)
    worker({ operationId: 'not an id' })
    syncproof.wrap((_id: string) => syncproof.sync('ats', {}, () => {}, { onBehalfOf: job.operationId }), {
      entity,
    })('c1')
    await syncproof.flush()
    const writer = server.ofKind('operation_started')[0]?.operation_id
    expect(server.ofKind('sync').map((event) => event.on_behalf_of)).toEqual([writer, undefined, writer])
    for (const event of server.events())
      expect(eventSchemas[event.kind].safeParse(event).error).toBeUndefined()
    expect(syncproof.operationId()).toBeUndefined()
  })

  it('a retry says which try it is, of what, and with which key', async () => {
    const { server, syncproof } = await start({})
    interface Job {
      attemptsMade: number
      first: string | undefined
      key: string
    }
    const ids: (string | undefined)[] = []
    const work = syncproof.wrap((_job: Job) => void ids.push(syncproof.operationId()), {
      entity: () => entity('c1'),
      attempt: (job) => job.attemptsMade + 1,
      retryOf: (job) => job.first,
      idempotencyKey: (job) => job.key,
    })
    work({ attemptsMade: 0, first: undefined, key: 'k1' })
    work({ attemptsMade: 1, first: ids[0], key: 'k1' })
    work({ attemptsMade: Number.NaN, first: 'nonsense', key: '' })
    await syncproof.flush()
    const told = server
      .ofKind('operation_started')
      .map(({ attempt, retry_of, idempotency_key }) => [attempt, retry_of, idempotency_key])
    expect(told).toEqual([
      [1, undefined, 'k1'],
      [2, ids[0], 'k1'],
      [1, undefined, undefined],
    ])
    for (const event of server.events())
      expect(eventSchemas[event.kind].safeParse(event).error).toBeUndefined()
  })

  it('and that throws costs what it would have told, never the call', async () => {
    const { server, syncproof } = await start({})
    const fail = () => {
      throw new Error('no')
    }
    const options = {
      entity,
      attempt: fail,
      retryOf: fail,
      idempotencyKey: fail,
      onBehalfOf: fail,
      input: fail,
    }
    expect(syncproof.wrap((id: string) => id, options)('c1')).toBe('c1')
    await syncproof.flush()
    expect(server.ofKind('operation_started')).toMatchObject([{ attempt: 1 }])
  })
})
