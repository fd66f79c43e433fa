import { detectionRules } from '@syncproof/core/detection'
import pg from 'pg'
import { expect, it, vi } from 'vitest'
import type { DetectionBatch, DetectionEvidence } from '../src/index.ts'
import { candidate, newProcess, operation } from './make-events.ts'
import { rawEngines } from './raw-store.ts'

const PROJECT = 'default'
const DAYS = 365
/** An hour or a day before the events, and the days that are made ahead; links beside events. */
const DAYS_SEEN_MAX = 20

interface Statement {
  readonly text: string
  readonly values: readonly unknown[]
}

/** Everything that is sent to a server from now on, and how to stop listening. */
function listen() {
  const heard: Statement[] = []
  const query = pg.Client.prototype.query
  const spy = vi.spyOn(pg.Client.prototype, 'query').mockImplementation(function (
    this: pg.Client,
    ...args: unknown[]
  ) {
    const [text, values] = args
    if (typeof text === 'string' && Array.isArray(values)) heard.push({ text, values })
    return (query as (...args: unknown[]) => unknown).apply(this, args)
  } as never)
  return { heard, stop: () => spy.mockRestore() }
}

/** Partitions that a plan would look into. */
async function partitionsIn(client: pg.Pool, { text, values }: Statement): Promise<number> {
  const { rows } = await client.query(`explain (format json) ${text}`, [...values])
  const names = JSON.stringify(rows[0]['QUERY PLAN']).match(/"Relation Name":"event(s|_links)_\d{8}"/g) ?? []
  return new Set(names).size
}

it('a step of detection looks into the days of its events, however many there are', async () => {
  const { store, pool, close } = await rawEngines.PostgreSQL()
  const days = Array.from({ length: DAYS }, (_, ago) =>
    new Date(Date.now() - ago * 86_400_000).toISOString().slice(0, 10),
  )
  await pool.query('select syncproof.ensure_event_partitions($1::date[])', [days])
  const process = newProcess()
  const version = (value: string) => ({
    version: value,
    transaction: 'none',
    overwritten_version: `${value}0`,
  })
  const events = [0, 1, 2].flatMap((n) =>
    operation({ firstSeq: n * 4, calls: 1 }).map((event) =>
      event.kind === 'write' ? { ...event, ...version('v') } : event,
    ),
  )
  await store.events.append(PROJECT, process, events)
  const { heard, stop } = listen()
  const judge = async (_: DetectionBatch, evidence: DetectionEvidence) => {
    await evidence.entityEvents(candidate, Date.now() - 3_600_000)
    return { findings: [], resolved: [] }
  }
  expect(await store.detection.step(0, 100, judge, detectionRules)).toMatchObject({ events: 12 })
  stop()
  const wide: string[] = []
  for (const statement of heard) {
    if (!/^\s*(select|with|insert|update|delete)/i.test(statement.text)) continue
    if ((await partitionsIn(pool, statement)) > DAYS_SEEN_MAX)
      wide.push(statement.text.replace(/\s+/g, ' ').trim())
  }
  expect(heard.filter(({ text }) => text.includes('syncproof.events')).length).toBeGreaterThan(3)
  expect(wide).toEqual([])
  await close()
})
