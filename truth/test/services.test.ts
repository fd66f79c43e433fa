import { CONTRACT_VERSION, type Finding, type StoredEvent } from '@syncproof/core/contract'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type Dev, startDev } from '../../cli/src/index.ts'
import { type FreshDatabase, freshDatabase } from '../../tools/testing/servers.ts'
import { callsOf, claimsOf } from '../judge/claims.ts'
import { createRandom } from '../plan/random.ts'
import { planGroup } from '../plan/round.ts'
import { type Round, Stage } from '../world/stage.ts'

const EVENTS_PER_BATCH = 400

let dev: Dev
const databases: FreshDatabase[] = []

beforeAll(async () => {
  databases.push(await freshDatabase(), await freshDatabase())
  dev = await startDev({ port: 0, metricsPort: 0, database: databases[0]?.url })
})
afterAll(async () => {
  await dev?.close()
  await Promise.all(databases.map((database) => database.drop()))
})

/** The truth is held against detectors that are called here. This says that collector, store and reconciler, which
 *  bring them their histories in production, come to the same. */
test('collector, store and reconciler prove what the detectors prove of the same events, no more and no less', {
  timeout: 240_000,
}, async () => {
  const round = await play(databases[1]?.url ?? '')
  const { proven } = claimsOf(round.events, round.processes, callsOf(round.events), true)
  expect(proven.size).toBeGreaterThan(50)
  await post(round)
  await vi.waitFor(async () => expect(await listed()).toEqual([...proven.keys()].sort()), {
    timeout: 120_000,
    interval: 1_000,
  })
})

async function play(url: string): Promise<Round> {
  const stage = await Stage.open(url, 2)
  try {
    const random = createRandom(Date.now() % 1_000_000)
    return await stage.play(
      Array.from({ length: 120 }, (_, index) => planGroup(random, `g${index}`, { callsMax: 6, crashes: 0 })),
    )
  } finally {
    await stage.close()
  }
}

/** Sends the events as their processes had. */
async function post({ events, processes }: Round): Promise<void> {
  for (const [id, own] of Map.groupBy(events, ({ process_id }) => process_id))
    for (let first = 0; first < own.length; first += EVENTS_PER_BATCH) {
      const batch = {
        contract: CONTRACT_VERSION,
        process: processes.get(id),
        events: own.slice(first, first + EVENTS_PER_BATCH).map(asProduced),
      }
      const response = await fetch(`${dev.url}/v1/events`, {
        method: 'POST',
        headers: { authorization: `Bearer ${dev.apiKey}`, 'content-type': 'application/json' },
        body: JSON.stringify(batch),
      })
      expect(await response.json()).toMatchObject({ rejected: [] })
    }
}

function asProduced({ process_id: _, ...event }: StoredEvent): object {
  return event
}

/** Ids of all proven findings. */
async function listed(): Promise<string[]> {
  const ids: string[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const query: string = new URLSearchParams({
      verdict: 'proven',
      limit: '100',
      ...(cursor && { cursor }),
    }).toString()
    const response = await fetch(`${dev.url}/v1/findings?${query}`, {
      headers: { authorization: `Bearer ${dev.apiKey}` },
    })
    const page = (await response.json()) as { items: Finding[]; next_cursor: string | null }
    ids.push(...page.items.map(({ id }) => id))
    cursor = page.next_cursor
  }
  return ids.sort()
}
