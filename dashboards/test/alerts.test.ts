import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { alertRules } from '../src/alert-rules.ts'
import { alertCases, type Case } from './alert-cases.ts'
import { hasPrometheus } from './prometheus.ts'

const rules = ['recording', 'alerts'].map(
  (name) => new URL(`../prometheus/${name}.rules.yml`, import.meta.url).pathname,
)
const folder = mkdtempSync(join(tmpdir(), 'syncproof-rules-'))
afterAll(() => rmSync(folder, { recursive: true }))

const alerts = alertRules({ grafana: '', docs: '/docs' }).groups.flatMap(({ rules }) =>
  rules.flatMap((rule) => ('alert' in rule ? rule : [])),
)

test('every alert has a case in which it fires, and one in which it is silent', () => {
  expect(Object.keys(alertCases).sort()).toEqual(alerts.map(({ alert }) => alert).sort())
  for (const [alert, cases] of Object.entries(alertCases)) {
    expect(
      cases.some(({ fires }) => fires.length > 0),
      alert,
    ).toBe(true)
    if (alert !== 'SyncproofWatchdog')
      expect(
        cases.some(({ fires }) => fires.length === 0),
        alert,
      ).toBe(true)
  }
})

describe.skipIf(!hasPrometheus())('in promtool', () => {
  for (const { alert, labels } of alerts) {
    for (const each of alertCases[alert] ?? []) {
      test(`${alert} ${each.fires.length > 0 ? 'fires' : 'is silent'}: ${each.what}`, () => {
        const file = join(folder, 'case.yml')
        writeFileSync(file, stringify(unitTest(alert, labels.severity, each)))
        const { status, stdout, stderr } = spawnSync('promtool', ['test', 'rules', file], {
          encoding: 'utf8',
        })
        expect(status, `${stdout}${stderr}`).toBe(0)
      })
    }
  }
})

function unitTest(alertname: string, severity: string, { series, at, fires, every = '1m' }: Case): object {
  return {
    rule_files: rules,
    evaluation_interval: every,
    tests: [
      {
        interval: every,
        input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
        promql_expr_test: [
          {
            // what it says is text: the text of one is read in the test that sends it
            expr: `ALERTS{alertname="${alertname}",alertstate="firing"}`,
            eval_time: at,
            exp_samples: fires.map((labels) => ({
              labels: selector({ alertname, alertstate: 'firing', severity, ...labels }),
              value: 1,
            })),
          },
        ],
      },
    ],
  }
}

function selector(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}=${JSON.stringify(value)}`)
  return `ALERTS{${pairs.join(',')}}`
}
