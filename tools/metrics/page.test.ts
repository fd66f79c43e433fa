import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { metricDefinitions } from './definitions.ts'
import { metricsPage } from './page.ts'

test('docs/metrics.md has every metric that the services register, and no other (`npm run metrics` writes it)', async () => {
  const page = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8')
  expect(page).toBe(metricsPage(await metricDefinitions()))
})

test('names keep the rules of Prometheus: one prefix, base units, counters end in _total', async () => {
  for (const { name, type, help, labels } of await metricDefinitions()) {
    expect(name).toMatch(/^syncproof_[a-z_]+$/)
    expect(name.endsWith('_total'), name).toBe(type === 'counter')
    expect(name).not.toMatch(/_(ms|us|percent|minutes|kb)(_|$)/)
    expect(help, name).toMatch(/\.$/)
    for (const label of labels) expect(label, name).not.toMatch(/(^|_)id$/)
  }
})
