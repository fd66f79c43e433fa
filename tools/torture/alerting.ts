import { spawn } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { type DetectedFinding, findingId } from '@syncproof/core/contract'
import { type FindingGroup, migrateStore, openStore, type Store } from '@syncproof/store'
import { Redis } from 'ioredis'
import { startPostgres, startRedis } from '../testing/throwaway-servers.ts'
import { answerBadly, type Hook, startHook } from './told.ts'
import { Workers } from './workers.ts'

const PROJECT = 'default'
const WORKERS = 2
const GROUPS = 8
const WAIT_MS_MAX = 120_000
/** From one kill to the next: a process takes a second and more to start, and looks every two. */
const ALIVE_MS = { min: 1_000, max: 6_000 }

export interface Alerted {
  readonly states: number
  readonly kills: number
  readonly flushes: number
  /** Told more than once, each time under the same id. */
  readonly repeated: number
}

/** Kills reconcilers with -9 while they tell a webhook that answers badly, so many times, flushes Redis now and then, and compares
 *  what the webhook has heard with what happened.
 *  @throws Error where a state is missing, in another order or another one */
export async function killAlerting(kills: number): Promise<Alerted> {
  await using opened = new AsyncDisposableStack()
  const stage = await openStage(opened, 'quick')
  const { hook, workers, happen } = stage
  hook.answer = answerBadly
  const seen = { kills: 0, flushes: 0 }
  const ending = new AbortController()
  const happening = Array.from({ length: GROUPS }, (_, n) => happen(`f${n}`, ending.signal))
  const all = Promise.all(happening)
  while (seen.kills < kills) {
    const failed = await Promise.race([
      delay(ALIVE_MS.min + Math.random() * (ALIVE_MS.max - ALIVE_MS.min)),
      all.catch((error: unknown) => error),
    ])
    if (failed instanceof Error) throw failed
    await workers.killOne()
    seen.kills += 1
    if (seen.kills % 5 === 0 && (await stage.flush())) seen.flushes += 1
  }
  ending.abort()
  const happened = await all
  hook.answer = (response) => response.end()
  return { states: await compare(hook, happened), ...seen, repeated: hook.repeated }
}

/** Keeps the webhook away for so long while groups come, are acknowledged and go, and compares what it hears afterwards with what
 *  happened.
 *  @throws Error as `killAlerting`, and where anything is told twice */
export async function outage(seconds: number): Promise<Alerted & { readonly afterSeconds: number }> {
  await using opened = new AsyncDisposableStack()
  const { hook, happen } = await openStage(opened, '')
  await hook.down()
  const ending = new AbortController()
  const all = Promise.all(Array.from({ length: GROUPS }, (_, n) => happen(`f${n}`, ending.signal, 30_000)))
  await delay(seconds * 1_000)
  ending.abort()
  const happened = await all
  await hook.up()
  const upMs = performance.now()
  const states = await compare(hook, happened)
  if (hook.repeated > 0) throw new Error(`BROKEN: ${hook.repeated} messages were told twice`)
  const afterSeconds = Math.round((performance.now() - upMs) / 1_000)
  return { states, kills: 0, flushes: 0, repeated: 0, afterSeconds }
}

interface Happened {
  readonly group: string
  readonly states: readonly string[]
}

async function openStage(opened: AsyncDisposableStack, quick: string) {
  const postgres = await startPostgres(false)
  opened.defer(() => postgres.stop())
  const redis = await startRedis()
  if (redis) opened.defer(() => redis.stop())
  await migrateStore({ url: postgres.url })
  const store = openStore({ url: postgres.url })
  opened.defer(() => store.close())
  const hook = await startHook()
  opened.defer(() => hook.down())
  const script = new URL('alerting-worker.ts', import.meta.url).pathname
  const args = [script, postgres.url, redis?.url ?? '', hook.url, quick]
  const workers = new Workers(() => spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] }))
  opened.defer(() => workers.stop())
  await workers.start(WORKERS)
  return {
    hook,
    workers,
    happen: (operation: string, signal: AbortSignal, pauseMs = 0) =>
      happen(store, operation, signal, pauseMs),
    async flush(): Promise<boolean> {
      if (redis === undefined) return false
      const client = new Redis(redis.url)
      await client.flushall()
      client.disconnect()
      return true
    },
  }
}

/** Lets a group come, be acknowledged, come back and go, over and over; each change when the one before has been decided.
 *  @returns what a sink must have heard of it, in this order */
async function happen(
  store: Store,
  operation: string,
  signal: AbortSignal,
  pauseMs: number,
): Promise<Happened> {
  const states: string[] = []
  let id = ''
  let last = ''
  for (let n = 0; !signal.aborted; n += 1) {
    const [state, status] = STEPS[n % STEPS.length] ?? STEPS[0]
    if (status === 'found') await store.findings.record(PROJECT, [lost(operation, n)])
    else await store.groups.patch(PROJECT, id, { status })
    id ||= (await groupOf(store, operation)).id
    states.push(state)
    last = await decided(store, operation, last)
    await delay(Math.random() * pauseMs, undefined, { signal }).catch(() => {})
  }
  return { group: id, states }
}

type Step = readonly [state: string, how: 'found' | 'acknowledged' | 'muted' | 'open']

const STEPS: readonly [Step, ...Step[]] = [
  ['firing', 'found'],
  ['acknowledged', 'acknowledged'],
  ['firing', 'found'],
  ['resolved', 'muted'],
  ['firing', 'open'],
  ['resolved', 'muted'],
  ['firing', 'open'],
  ['acknowledged', 'acknowledged'],
]

async function groupOf(store: Store, operation: string): Promise<FindingGroup> {
  const { items } = await store.groups.list(PROJECT, { operation }, { limit: 1 })
  if (items[0] === undefined) throw new Error(`BROKEN: there is no group of ${operation}`)
  return items[0]
}

/** Until another message has been decided about it. @returns when that was */
async function decided(store: Store, operation: string, before: string): Promise<string> {
  const deadlineMs = performance.now() + WAIT_MS_MAX
  while (performance.now() < deadlineMs) {
    const [newest] = (await groupOf(store, operation)).alerts
    if (newest && newest.decided_at !== before) return newest.decided_at
    await delay(100)
  }
  throw new Error(`BROKEN: nothing more was decided about ${operation} within two minutes`)
}

function lost(operation: string, n: number): DetectedFinding {
  return {
    id: findingId('lost-update', `${operation} ${n}`),
    kind: 'lost-update',
    verdict: 'proven',
    severity: 'high',
    entity: { type: 'candidate', id: String(n) },
    fields: ['name'],
    summary: 'An update was lost.',
    cause: { operation },
    witness: { events: [] },
    occurred_at: new Date().toISOString(),
    details: {},
  }
}

/** Waits until the webhook has heard as many states as happened. @returns how many */
async function compare(hook: Hook, happened: readonly Happened[]): Promise<number> {
  const heard = (group: string) =>
    [...hook.told.values()].filter((told) => told.group === group).map(({ state }) => state)
  const count = happened.reduce((sum, { states }) => sum + states.length, 0)
  // the longest pause between two tries, and some
  const deadlineMs = performance.now() + 480_000
  while (hook.told.size < count && performance.now() < deadlineMs) await delay(100)
  for (const { group, states } of happened) {
    const told = heard(group)
    if (told.join() !== states.join())
      throw new Error(`BROKEN: of ${group} was told ${told.join()} and happened ${states.join()}`)
  }
  return count
}
