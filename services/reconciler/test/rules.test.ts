import { decimal, defineFields, text } from '@syncproof/core/contract'
import { within } from '@syncproof/core/contract/fields'
import { afterEach, expect, it } from 'vitest'
import { PROJECT } from './support/events.ts'
import { candidates, openWorld, type World } from './support/world.ts'

let world: World
afterEach(() => world.close())

it('the first run by other field rules is a baseline again, and what they call equal is over', async () => {
  world = await openWorld('PostgreSQL', candidates(20))
  const change = (id: string, name: string) => {
    const record = world.ats.records.get(id)
    if (record) world.ats.records.set(id, { ...record, name })
  }
  const first = await world.start(world.pair({ fields: defineFields({ name: text() }) }))
  const before = await world.reconcile()
  expect(before).toMatchObject({ result: 'clean', baseline: true })
  change('k00001', 'NAME 1')
  change('k00002', 'Someone')
  expect(await world.reconcile()).toMatchObject({ diverged: 2, baseline: false, rules: before.rules })
  await first.close()

  await world.start(world.pair({ fields: defineFields({ name: text({ case: 'lower' }) }) }))
  change('k00003', 'Nobody')
  const after = await world.reconcile()
  expect(after).toMatchObject({ result: 'diverged', diverged: 2, baseline: true })
  expect(after.rules).not.toBe(before.rules)
  const findings = await world.findings({ kind: 'field-mismatch' })
  const told = findings.map(({ entity, severity, status, details }) => [
    entity?.id,
    severity,
    status,
    details.baseline,
  ])
  expect(told.sort()).toEqual([
    ['k00001', 'high', 'resolved', false],
    // it was found before the rules changed
    ['k00002', 'high', 'open', false],
    ['k00003', 'low', 'open', true],
  ])
  const [over] = findings.filter(({ entity }) => entity?.id === 'k00001')
  expect(over?.resolution?.why).toContain('rules of the pair have changed')
  expect(await world.reconcile()).toMatchObject({ baseline: false, rules: after.rules })
  expect((await world.store.reports.pairs(PROJECT))[0]?.last_report?.baseline).toBe(false)
})

it('numbers within the tolerance of their rule are no divergence, however they are listed', async () => {
  world = await openWorld('PostgreSQL', candidates(3))
  await world.db.query('alter table candidates add score numeric')
  await world.db.query('update candidates set score = 1.00')
  const scores = ['1.00', '1.01', '1.02']
  for (const [at, [id, record]] of [...world.ats.records].entries()) {
    world.ats.records.set(id, { ...record, score: scores[at] } as never)
  }
  await world.start(world.pair({ fields: defineFields({ score: within('0.01', decimal({ scale: 2 })) }) }))
  expect(await world.reconcile()).toMatchObject({ result: 'diverged', diverged: 1 })
  const [only] = await world.findings({ kind: 'field-mismatch' })
  expect([only?.entity?.id, only?.fields]).toEqual(['k00002', ['score']])
})
