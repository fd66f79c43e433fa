import { setTimeout as pause } from 'node:timers/promises'
import { errorCatalogue } from '@syncproof/core/contract/errors'
import { detectionRules } from '@syncproof/core/detection'
import { SHADOW_PROJECT, type Store } from '@syncproof/store'
import { type Check, fail, pass, unable, warn } from '../check.ts'
import { askCollector, saidBy } from './ask-collector.ts'
import { type TestBatch, testBatch } from './test-batch.ts'

const NAME = 'round trip'
/** Detection takes half a second; more shows that nobody judges, or who does is behind. */
const WAIT_MS_MAX = 15_000
const LOOK_EVERY_MS = 50

/** Sends an event in the way of every other one, waits for its finding, and takes both out again. In a project of its own, of which
 *  no alert and no metric tells.
 *  @param url of a collector; without one the event goes straight into the store
 *  @param waitMs how long the finding is waited for
 *  Needs the rights of the owner. Rejects with the driver's error (42501) where the login has not. */
export async function roundTrip(
  store: Store,
  url: string | undefined,
  waitMs = WAIT_MS_MAX,
): Promise<readonly Check[]> {
  // first, and by the owner alone: who may not take the event out again must not put it in
  await store.keys.forgetShadow()
  const test = testBatch(Date.now())
  const startMs = performance.now()
  try {
    // also where the answer came too late: the event may be stored
    const refused = url === undefined ? await append(store, test) : await send(store, url, test)
    if (refused) return [refused]
    const isFound = await untilFound(store, test, startMs + waitMs)
    const seconds = (performance.now() - startMs) / 1_000
    return [
      isFound
        ? pass(NAME, `An event became a finding in ${seconds.toFixed(1)} s.`)
        : await notFound(store, waitMs),
    ]
  } finally {
    await store.erasure.erase(SHADOW_PROJECT, test.entity, {
      signal: new AbortController().signal,
      rules: detectionRules,
    })
  }
}

async function append(store: Store, { batch }: TestBatch): Promise<undefined> {
  await store.events.append(SHADOW_PROJECT, batch.process, batch.events)
}

/** By a key that lives as long. @returns what is wrong where it is not taken */
async function send(store: Store, url: string, { batch }: TestBatch): Promise<Check | undefined> {
  const { id, key } = await store.keys.create(SHADOW_PROJECT, 'syncproof doctor', ['ingest'])
  try {
    const answer = await askCollector(url, '/v1/events', {
      method: 'POST',
      body: JSON.stringify(batch),
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    })
    if (typeof answer === 'string')
      return unable(fail(NAME, `The collector did not answer: ${answer}.`, 'Look in its log.'))
    if (answer.status === 401)
      return fail(
        NAME,
        'The collector does not know a key that was just made in this database: it keeps its events in another one.',
        'Name the database of this collector with --database, or another collector with --url.',
      )
    if (answer.status !== 202) {
      const code = String(answer.body?.code)
      const mend =
        code in errorCatalogue
          ? errorCatalogue[code as keyof typeof errorCatalogue].solve
          : 'Look in its log.'
      return fail(NAME, `The collector did not take the event: ${saidBy(answer)}.`, mend)
    }
  } finally {
    await store.keys.revoke(id, SHADOW_PROJECT)
    await store.keys.forgetShadow()
  }
  return undefined
}

async function untilFound(store: Store, { findingId }: TestBatch, endMs: number): Promise<boolean> {
  for (;;) {
    if (await store.findings.get(SHADOW_PROJECT, findingId)) return true
    if (performance.now() > endMs) return false
    await pause(LOOK_EVERY_MS)
  }
}

async function notFound(store: Store, waitMs: number): Promise<Check> {
  const { events } = await store.detection.lag()
  const what = `The event is stored, and became no finding within ${waitMs / 1_000} s`
  if (events === 0)
    return fail(
      NAME,
      `${what}, though everything that is stored has been judged.`,
      'Look in the log of the reconciler for "threw" and "passed over". It must be of this release.',
    )
  return fail(
    NAME,
    `${what}: nobody has judged it.`,
    'Keep a `syncproof reconciler` running on this database. Where one runs, it is behind, or fails: look in its log for "a detection step failed".',
  )
}

/** What a login that may not write is told. */
export function mayNotWrite(): Check {
  return unable(
    warn(NAME, 'This login may not send a test event.', 'Run the doctor as the owner of the database.'),
  )
}
