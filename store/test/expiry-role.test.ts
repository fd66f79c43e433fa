import { detectionRules } from '@syncproof/core/detection'
import pg from 'pg'
import { expect, it } from 'vitest'
import { startPostgres } from '../../tools/testing/throwaway-servers.ts'
import { migrateStore, openStore } from '../src/index.ts'
import { roleOf } from '../src/role-rights.ts'
import { finding, newProcess, operation } from './make-events.ts'

const DAY_MS = 24 * 60 * 60 * 1000

it('the rights of the reconciler are enough to let everything expire', async () => {
  // roles are of a whole server
  const server = await startPostgres()
  await migrateStore({ url: server.url }, { roles: true })
  const owner = new pg.Client({ connectionString: server.url })
  await owner.connect()
  await owner.query(`create role login login in role ${roleOf('reconciler')}`)
  const filled = openStore({ url: server.url })
  for (const days of [5, 0])
    await filled.events.append('default', newProcess(), operation({ timeMs: Date.now() - days * DAY_MS }))
  await filled.findings.record('default', [finding('lost-update')])
  const url = new URL(server.url)
  url.username = 'login'
  const store = openStore({ url: url.href })
  await store.retention.declare({
    ...(await store.retention.policy()),
    events: { keepMs: 30 * DAY_MS, byKind: { sync: DAY_MS } },
  })
  const judge = async () => ({ findings: [], resolved: [] })
  while ((await store.detection.step(0, 100, judge, detectionRules)).events > 0);
  const { signal } = new AbortController()
  expect(await store.retention.expire({ signal })).toEqual({
    done: true,
    expired: { 'events.sync': 1 },
    kept: [],
  })
  expect(await store.retention.expire({ signal, nowMs: Date.now() + 1_000 * DAY_MS })).toMatchObject({
    done: true,
    kept: [],
    expired: { events: 7, operations: 2, processes: 2, 'findings.open': 1 },
  })
  await filled.close()
  await store.close()
  await owner.end()
  await server.stop()
})
