import pg from 'pg'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { PROJECT, reporter } from './support/events.ts'
import { openWorld, transports, type World } from './support/world.ts'

let world: World
afterEach(() => world.close())

for (const transport of transports()) {
  describe(`detection with jobs on ${transport}`, () => {
    it('finds a lost update within half a second of the acknowledgement, at the median', async () => {
      world = await openWorld(transport, [])
      await world.start()
      await found(await lose('warm-up'))
      const delays: number[] = []
      for (let n = 0; n < 15; n += 1) {
        const id = await lose(`c${n}`)
        const acknowledgedMs = Date.now()
        await found(id)
        delays.push(Date.now() - acknowledgedMs)
      }
      delays.sort((a, b) => a - b)
      expect(delays[7], `delays in ms: ${delays.join(' ')}`).toBeLessThanOrEqual(500)
      expect(world.heard.filter(({ kind }) => kind === 'lost-update')).toHaveLength(16)
    })
  })
}

describe('detection', () => {
  it('finds each lost update once, with two reconcilers on one store and every batch sent twice', async () => {
    world = await openWorld('PostgreSQL', [])
    await world.start()
    await world.start()
    const app = reporter()
    const wanted: string[] = []
    for (let n = 0; n < 40; n += 1) {
      const { events, findingId } = app.lostUpdate({ type: 'candidate', id: `c${n}` })
      wanted.push(findingId)
      await app.append(world.store, events)
      await app.append(world.store, events)
    }
    await vi.waitFor(
      async () => {
        const stored = await world.findings({ kind: 'lost-update' })
        expect(stored.map(({ id }) => id).sort()).toEqual([...wanted].sort())
      },
      { timeout: 20_000 },
    )
    const heard = world.heard.filter(({ kind }) => kind === 'lost-update').map(({ id }) => id)
    expect(heard.sort()).toEqual([...wanted].sort())
  })

  it('passes over an operation whose finding cannot be stored, and goes on with the others', async () => {
    world = await openWorld('PostgreSQL', [])
    const admin = new pg.Client({ connectionString: world.url })
    await admin.connect()
    await admin.query(`
      create function refuse() returns trigger language plpgsql as $$
        begin raise exception 'refused for the test'; end $$;
      create trigger refuse before insert on syncproof.findings for each row
        when (new.entity_id = 'poison') execute function refuse()`)
    await admin.end()
    const app = reporter()
    const before = app.lostUpdate({ type: 'candidate', id: 'before' })
    const poison = app.lostUpdate({ type: 'candidate', id: 'poison' })
    const after = app.lostUpdate({ type: 'candidate', id: 'after' })
    await app.append(world.store, [...before.events, ...poison.events, ...after.events])
    await world.start()
    await found(before.findingId)
    await found(after.findingId)
    expect(await world.store.findings.get(PROJECT, poison.findingId)).toBeUndefined()
    await vi.waitFor(async () => expect(await world.store.detection.lag()).toMatchObject({ events: 0 }), {
      timeout: 20_000,
    })
    const text = await world.metrics.metrics()
    expect(text).toMatch(/syncproof_detection_operations_skipped_total [1-9]/)
    expect(world.logged.join('\n')).toContain('passed over unjudged')
  })

  it('shows every metric of a configured pair before anything has happened', async () => {
    world = await openWorld('PostgreSQL', [])
    await world.start()
    const text = await world.metrics.metrics()
    for (const line of [
      'syncproof_reconcile_runs_total{pair="candidate",result="unknown"} 0',
      'syncproof_reconcile_rows_total{pair="candidate",side="target"} 0',
      'syncproof_reconcile_duration_seconds_count{pair="candidate"} 0',
      'syncproof_reconcile_last_success_timestamp_seconds{pair="candidate"} 0',
      'syncproof_finding_delay_seconds_count{kind="lost-update"} 0',
      'syncproof_detection_lag_events 0',
      'syncproof_queue_job_failures_total{queue="syncproof-detect"} 0',
    ]) {
      expect(text).toContain(line)
    }
    await world.reconcile()
    const after = await world.metrics.metrics()
    expect(after).toContain('syncproof_reconcile_runs_total{pair="candidate",result="clean"} 1')
    expect(after).toMatch(/last_success_timestamp_seconds\{pair="candidate"\} 1\d{9}/)
    for (const line of [
      'syncproof_reconcile_coverage_ratio{pair="candidate"} 1',
      'syncproof_reconcile_indeterminate_records{pair="candidate"} 0',
      'syncproof_reconcile_self_test_passed{pair="candidate"} 1',
      'syncproof_reconcile_last_result{pair="candidate",result="clean"} 1',
      'syncproof_reconcile_last_result{pair="candidate",result="unknown"} 0',
    ]) {
      expect(after).toContain(line)
    }
  })
})

async function lose(id: string): Promise<string> {
  const app = reporter()
  const { events, findingId } = app.lostUpdate({ type: 'candidate', id })
  await app.append(world.store, events)
  return findingId
}

async function found(id: string): Promise<void> {
  await vi.waitFor(async () => expect(await world.store.findings.get(PROJECT, id)).toBeDefined(), {
    timeout: 20_000,
    interval: 10,
  })
}
