import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { EventBatch } from '@syncproof/core/contract'
import { migrateStore, type Store } from '@syncproof/store'
import { expect, it, onTestFinished, vi } from 'vitest'
import { startReceiver } from '../../services/reconciler/test/support/receiver.ts'
import { findPostgresBinaries } from '../../tools/testing/find-binaries.ts'
import { freshDatabase } from '../../tools/testing/servers.ts'
import { startDev, webhook } from '../src/index.ts'
import { freshFolder } from './support/cli.ts'
import { createReporter, post } from './support/telemetry.ts'

const KEY = 'restore-test-key'
const SOON = { timeout: 60_000, interval: 50 }

const { folder: binaries } = findPostgresBinaries()
const hasTools = existsSync(join(binaries, 'pg_dump'))
if (!hasTools) {
  const text = 'THE RESTORE TEST WAS NOT RUN: install pg_dump and pg_restore beside the server.'
  if (process.env.CI === 'true') throw new Error(text)
  process.stderr.write(`\n  !!  ${text}\n\n`)
}

function run(program: string, ...words: string[]): void {
  const { status, stderr } = spawnSync(join(binaries, program), words, { encoding: 'utf8' })
  expect({ program, status, stderr }).toEqual({ program, status: 0, stderr: '' })
}

/** Everything in one process on a database, with a pager. */
async function start(database: string, hook: string) {
  const dev = await startDev({
    ...{ port: 0, metricsPort: 0, database, apiKey: KEY, fingerprintKey: 'restore' },
    config: { pairs: {}, alerts: [webhook({ url: hook })] },
  })
  onTestFinished(() => dev.close())
  return dev
}

async function database() {
  const made = await freshDatabase()
  onTestFinished(() => made.drop())
  return made.url
}

async function isJudged(store: Store): Promise<void> {
  await vi.waitFor(async () => expect(await store.detection.lag()).toMatchObject({ events: 0 }), SOON)
}

const findings = async (store: Store) =>
  (await store.findings.list('default', { kind: 'lost-update' }, { limit: 500 })).items.toSorted((a, b) =>
    a.id < b.id ? -1 : 1,
  )

/** By metric and labels, in one order. */
async function counts(store: Store): Promise<ReadonlyMap<string, number>> {
  const all = await store.counts.read()
  return new Map(
    all
      .map(
        ({ metric, labels, value }) =>
          [`${metric} ${JSON.stringify(Object.entries(labels).sort())}`, value] as const,
      )
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  )
}

it.skipIf(!hasTools)(
  'a backup that is restored elsewhere goes on: findings and counters as they were, nobody paged again, nothing stored twice',
  async () => {
    const hook = await startReceiver()
    onTestFinished(() => hook.close())
    const [first, second] = [await database(), await database()]
    const before = await start(first, hook.url)
    const app = createReporter()
    const sent: EventBatch[] = []
    const lose = async (url: string, count: number, prefix: string) => {
      for (let index = 0; index < count; index++) {
        const batch = app.batch(app.operation(`${prefix}-${index}`, true))
        expect((await post(url, KEY, batch)).status).toBe(202)
        sent.push(batch)
      }
    }
    await lose(before.url, 10, 'kept')
    await vi.waitFor(async () => expect(await findings(before.store)).toHaveLength(10), SOON)
    await isJudged(before.store)
    // one page for all of them, which has arrived and is noted
    await vi.waitFor(async () => {
      expect(hook.received).toHaveLength(1)
      const [group] = (await before.store.groups.list('default', {}, { limit: 10 })).items
      expect(group).toBeDefined()
      expect(JSON.stringify(await before.store.groups.get('default', group?.id ?? ''))).toContain('delivered')
    }, SOON)
    const known = { findings: await findings(before.store), counts: await counts(before.store) }

    // while it runs, and with jobs in the same database, which are not saved
    const dump = join(await freshFolder(), 'syncproof.dump')
    run('pg_dump', '--format=custom', '--schema=syncproof', '--file', dump, first)
    await lose(before.url, 3, 'after the backup')
    await before.close()
    run('pg_restore', '--exit-on-error', '--no-owner', '--no-privileges', '--dbname', second, dump)
    expect(await migrateStore({ url: second })).toEqual([])

    const after = await start(second, hook.url)
    expect(await findings(after.store)).toEqual(known.findings)
    const restored = await counts(after.store)
    for (const [name, value] of known.counts)
      expect({ name, value: restored.get(name) }).toEqual({ name, value })

    // what it has is known again, and what came after the backup is new
    const lost = sent.splice(10)
    for (const batch of sent)
      expect((await post(after.url, KEY, batch)).body).toMatchObject({ accepted: 0, duplicates: 3 + 1 })
    for (const batch of lost) expect((await post(after.url, KEY, batch)).body).toMatchObject({ accepted: 4 })
    await vi.waitFor(async () => expect(await findings(after.store)).toHaveLength(13), SOON)

    // another function: it is told, once; of the group that was told before nothing is told again
    const other = app
      .operation('elsewhere', true)
      .map((event) => (event.kind === 'operation_started' ? { ...event, name: 'otherCall' } : event))
    expect((await post(after.url, KEY, app.batch(other))).status).toBe(202)
    await vi.waitFor(() => expect(hook.received).toHaveLength(2), SOON)
    await isJudged(after.store)
    const titles = hook.received.map(({ body }) => String(JSON.parse(body).data.operation ?? body))
    expect(titles[0]).toContain('syncCandidate')
    expect(titles[1]).toContain('otherCall')
  },
)
