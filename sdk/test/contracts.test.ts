import { eventSchemas } from '@syncproof/core/contract/schema'
import { type } from 'arktype'
import * as v from 'valibot'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { ContractViolationError, contract, type StandardSchema } from '../src/contracts/index.ts'
import { createSyncproof, type Syncproof, type SyncproofWarning } from '../src/index.ts'
import { type RecordingServer, recordingServer } from './recording-server.ts'

let server: RecordingServer
let syncproof: Syncproof
let warnings: SyncproofWarning[]

beforeEach(async () => {
  server = await recordingServer()
  warnings = []
  syncproof = createSyncproof({
    service: 'test',
    url: server.url,
    fingerprintKey: 'k',
    onWarning: (warning) => warnings.push(warning),
  })
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await syncproof.shutdown()
  await server.close()
})

const entity = (id: string) => ({ type: 'thing', id })
const violations = async () => {
  await syncproof.flush()
  const events = server.ofKind('contract_violated')
  for (const event of events) expect(eventSchemas.contract_violated.safeParse(event).error).toBeUndefined()
  return events.map(({ boundary, system, issues }) => ({ boundary, system, issues }))
}

interface Updates {
  email: string
  score: number
}

const schemas: [string, StandardSchema, string, string][] = [
  [
    'Zod',
    z.tuple([z.string(), z.object({ email: z.email(), score: z.number() })]),
    'invalid_format',
    'invalid_type',
  ],
  [
    'Valibot',
    v.tuple([v.string(), v.object({ email: v.pipe(v.string(), v.email()), score: v.number() })]),
    'email',
    'number',
  ],
  ['ArkType', type(['string', { email: 'string.email', score: 'number' }]), 'pattern', 'domain'],
]

describe.each(schemas)('with a schema of %s', (_, input, emailCode, scoreCode) => {
  const broken = { email: 'canary-7f3a', score: 'canary-7f3a' as unknown as number }
  const found = [
    { path: '/1/email', code: emailCode },
    { path: '/1/score', code: scoreCode },
  ]

  it('what breaks the contract is told by path and code, and the call goes on with it', async () => {
    const run = syncproof.wrap((_id: string, updates: Updates) => updates, {
      entity,
      contract: contract({ input }),
    })
    expect(run('a', broken)).toBe(broken)
    expect(run('a', { email: 'ann@x.org', score: 1 })).toMatchObject({ score: 1 })
    expect(await violations()).toEqual([{ boundary: 'input', system: undefined, issues: found }])
    expect(JSON.stringify(server.requests)).not.toContain('7f3a')
  })

  it('enforced, the function does not run, and the error tells no value', async () => {
    const work = vi.fn(async (_id: string, _updates: Updates) => 'done')
    const run = syncproof.wrap(work, { entity, name: 'run', contract: contract({ input, enforce: true }) })
    const error = await Promise.resolve()
      .then(() => run('a', broken))
      .catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(ContractViolationError)
    expect(error).toMatchObject({ name: 'ContractViolationError', boundary: 'input', issues: found })
    expect(String(error)).not.toContain('7f3a')
    expect(work).not.toHaveBeenCalled()
    expect(await run('a', { email: 'ann@x.org', score: 1 })).toBe('done')
    expect(await violations()).toHaveLength(1)
    expect(server.ofKind('operation_finished').map(({ outcome, error }) => [outcome, error?.type])).toEqual([
      ['failed', 'ContractViolationError'],
      ['ok', undefined],
    ])
  })
})

const isString = z.string()

it('an async function rejects where its input is refused, and a sync one throws', async () => {
  const options = {
    entity: () => entity('a'),
    contract: contract({ input: z.tuple([isString]), enforce: true }),
  }
  const sync = syncproof.wrap((_value: unknown) => 1, options)
  const async = syncproof.wrap(async (_value: unknown) => 1, options)
  expect(() => sync(1)).toThrow(ContractViolationError)
  const answer = async(1)
  expect(answer).toBeInstanceOf(Promise)
  await expect(answer).rejects.toThrow(ContractViolationError)
})

it('an output that breaks the contract is told, and enforced it takes the place of the result', async () => {
  const make = (enforce: boolean) => ({ entity, contract: contract({ output: isString, enforce }) })
  const sync = (_id: string, value: unknown) => value
  const async = async (_id: string, value: unknown) => value
  expect(syncproof.wrap(sync, make(false))('a', 1)).toBe(1)
  expect(await syncproof.wrap(async, make(false))('a', 2)).toBe(2)
  expect(() => syncproof.wrap(sync, make(true))('a', 3)).toThrow(ContractViolationError)
  await expect(syncproof.wrap(async, make(true))('a', 4)).rejects.toThrow(ContractViolationError)
  expect(syncproof.wrap(sync, make(true))('a', 'fine')).toBe('fine')
  expect(await violations()).toHaveLength(4)
  const kinds = server.events().map((event) => event.kind)
  expect(kinds.slice(0, 3)).toEqual(['operation_started', 'contract_violated', 'operation_finished'])
})

it('the answer of an external system is checked by system, and the sync was sent whatever it says', async () => {
  const make = (enforce: boolean) => ({
    entity,
    contract: contract({ response: { ats: z.object({ id: z.string() }) }, enforce }),
  })
  const body = async (_id: string) => {
    await syncproof.sync('crm', {}, async () => ({ id: 1 }))
    return syncproof.sync('ats', {}, async () => ({ id: 2 }))
  }
  expect(await syncproof.wrap(body, make(false))('a')).toEqual({ id: 2 })
  await expect(syncproof.wrap(body, make(true))('a')).rejects.toMatchObject({
    boundary: 'response',
    system: 'ats',
  })
  const told = { boundary: 'response', system: 'ats', issues: [{ path: '/id', code: 'invalid_type' }] }
  expect(await violations()).toEqual([told, told])
  expect(server.ofKind('sync').map(({ system, outcome }) => [system, outcome])).toEqual([
    ['crm', 'ok'],
    ['ats', 'ok'],
    ['crm', 'ok'],
    ['ats', 'ok'],
  ])
})

describe('a schema that answers later', () => {
  const { promise: gate, resolve: open } = Promise.withResolvers<void>()
  const slow = z.tuple([z.string().refine(async (text) => gate.then(() => text === 'fine'))])

  it('does not make a sync function async, and is waited for by nobody but the report', async () => {
    const run = syncproof.wrap((id: string) => `${id}!`, { entity, contract: contract({ input: slow }) })
    expect(run('bad')).toBe('bad!')
    await syncproof.flush()
    expect(server.ofKind('operation_finished')).toMatchObject([{ in_flight: 1 }])
    open()
    await vi.waitFor(async () =>
      expect(await violations()).toMatchObject([{ issues: [{ path: '/0', code: 'custom' }] }]),
    )
  })

  it('is waited for where it is enforced', async () => {
    open()
    const work = vi.fn(async (id: string) => id)
    const run = syncproof.wrap(work, { entity, contract: contract({ input: slow, enforce: true }) })
    await expect(run('bad')).rejects.toThrow(ContractViolationError)
    expect(work).not.toHaveBeenCalled()
    expect(await run('fine')).toBe('fine')
  })
})

it('a function that waits for its schema still runs inside its operation', async () => {
  const later = z.tuple([z.string().refine(async () => true)])
  const run = syncproof.wrap(async (id: string) => syncproof.sync('ats', { id }, async () => 'sent'), {
    entity,
    contract: contract({ input: later, enforce: true }),
  })
  expect(await run('a')).toBe('sent')
  await syncproof.flush()
  expect(server.events().map((event) => event.kind)).toEqual([
    'operation_started',
    'sync',
    'operation_finished',
  ])
})

it('what a schema makes of a value is not used', async () => {
  const input = z.tuple([z.string().trim(), z.object({ kept: z.string() })])
  const output = z.object({ name: z.string().toUpperCase() })
  const run = syncproof.wrap((id: string, given: { kept: string; extra: number }) => ({ name: id, given }), {
    entity,
    contract: contract({ input, output, enforce: true }),
  })
  expect(run(' a ', { kept: 'k', extra: 1 })).toEqual({ name: ' a ', given: { kept: 'k', extra: 1 } })
})

it.each<[string, StandardSchema]>([
  [
    'throws',
    broken(() => {
      throw new Error('canary-7f3a')
    }),
  ],
  ['rejects', broken(() => Promise.reject(new Error('canary-7f3a')))],
  ['answers nonsense', broken(() => undefined as never)],
  ['finds something that is no list', broken(() => ({ issues: 7 as never }))],
])('a schema that %s has checked nothing, enforced or not', async (_, schema) => {
  for (const enforce of [false, true]) {
    const checks = contract({ input: schema, output: schema, response: { ats: schema }, enforce })
    const run = syncproof.wrap(async (id: string) => syncproof.sync('ats', {}, async () => id), {
      entity,
      contract: checks,
    })
    expect(await run('a')).toBe('a')
  }
  expect(await violations()).toEqual([])
  expect(warnings.map(({ code }) => code)).toEqual(['contract_failed'])
  expect(JSON.stringify(warnings)).not.toContain('7f3a')
})

function broken(validate: StandardSchema['~standard']['validate']): StandardSchema {
  return { '~standard': { version: 1, vendor: 'test', validate } }
}

it('what is no schema is refused at once, but never keeps a service from starting', async () => {
  const wrong = { input: { parse() {} } as never }
  expect(() => contract(wrong)).toThrow(/`input` is not a schema/)
  vi.stubEnv('NODE_ENV', 'production')
  const run = syncproof.wrap((id: string) => id, { entity, contract: contract({ ...wrong, enforce: true }) })
  expect(run('a')).toBe('a')
})

it('a disabled client still enforces what it is told to enforce', () => {
  vi.stubEnv('NODE_ENV', 'production')
  const disabled = createSyncproof({ service: '', onWarning: () => {} })
  const checks = contract({ input: z.tuple([isString]), enforce: true })
  const run = disabled.wrap((value: unknown) => value, { entity: () => entity('a'), contract: checks })
  expect(run('a')).toBe('a')
  expect(() => run(1)).toThrow(ContractViolationError)
})
