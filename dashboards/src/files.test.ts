import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { commands } from '../../cli/src/commands.ts'
import { metricDefinitions } from '../../tools/metrics/definitions.ts'
import { parsePromql } from '../test/promql.ts'
import { alertRules } from './alert-rules.ts'
import { filesOf } from './files.ts'
import { recordingRules } from './recording-rules.ts'

const folder = new URL('..', import.meta.url)
const docs = new URL('../../docs/', import.meta.url)
const bases = { grafana: '', docs: '/docs' }
const files = filesOf(bases)
const alerts = alertRules(bases).groups.flatMap(({ rules }) =>
  rules.flatMap((rule) => ('alert' in rule ? rule : [])),
)
const recorded = recordingRules.groups.flatMap(({ rules }) => rules)

interface Panel {
  readonly title?: string
  readonly type: string
  readonly description?: string
  readonly targets?: readonly { readonly expr: string; readonly refId: string }[]
  readonly links?: readonly { readonly url: string }[]
}

const dashboards = [...files]
  .filter(([path]) => path.endsWith('.json'))
  .map(
    ([, text]) =>
      JSON.parse(text) as { readonly uid: string; readonly id: null; readonly panels: readonly Panel[] },
  )
const panels = dashboards.flatMap(({ panels }) => panels.filter(({ type }) => type !== 'row'))

test('what stands in dashboards/ is what the code makes (`npm run dashboards` writes it)', () => {
  for (const [path, text] of files) expect(readFileSync(new URL(path, folder), 'utf8'), path).toBe(text)
  const there = readdirSync(new URL('grafana', folder)).filter((name) => name.endsWith('.json'))
  expect(there.sort()).toEqual(dashboards.map(({ uid }) => `${uid}.json`).sort())
})

test('dashboards have the ids that links hold, and no data source of one machine', () => {
  expect(dashboards.map(({ uid }) => uid)).toEqual([
    'syncproof-overview',
    'syncproof-pair',
    'syncproof-operation',
    'syncproof-itself',
  ])
  for (const dashboard of dashboards) {
    expect(dashboard.id).toBeNull()
    const uids = [...JSON.stringify(dashboard).matchAll(/"type":"prometheus","uid":"([^"]*)"/g)]
    expect(uids.length).toBeGreaterThan(5)
    for (const [, uid] of uids) expect(uid).toBe(`\${datasource}`)
  }
})

test('every panel says what it means, and every query has a letter of its own', () => {
  for (const { title, description = '', targets = [] } of panels) {
    expect(description, title).toMatch(/\.$/)
    const letters = targets.map(({ refId }) => refId)
    expect(letters.length, title).toBeGreaterThan(0)
    expect(new Set(letters).size, title).toBe(letters.length)
  }
})

test('every query is PromQL, of metrics and labels that exist', async () => {
  const known = new Map<string, ReadonlySet<string>>()
  for (const { name, type, labels } of await metricDefinitions()) {
    const all = new Set([...labels, 'instance', 'pod', 'job'])
    known.set(name, all)
    if (type === 'histogram') {
      known.set(`${name}_bucket`, new Set([...all, 'le']))
      known.set(`${name}_count`, all)
    }
  }
  for (const rule of recorded) if ('record' in rule) known.set(rule.record, new Set())
  // of others
  known.set('alertmanager_notifications_failed_total', new Set(['integration']))
  known.set('process_resident_memory_bytes', new Set(['job', 'instance']))
  const queries = [
    ...panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
    ...alerts.map(({ expr }) => expr),
    ...recorded.map(({ expr }) => expr),
  ]
  for (const query of queries) {
    const { metrics, errors } = parsePromql(query)
    expect(errors, query).toEqual([])
    for (const { name, labels } of metrics) {
      expect([...known.keys()], query).toContain(name)
      if (name.includes(':')) continue
      for (const label of labels) expect([...(known.get(name) ?? [])], `${name} in ${query}`).toContain(label)
    }
  }
})

test('every alert says how bad it is, what it is, and where to look', () => {
  const uids = dashboards.map(({ uid }) => uid)
  expect(new Set(alerts.map(({ alert }) => alert)).size).toBe(alerts.length)
  for (const { alert, labels, annotations } of alerts) {
    expect(alert).toMatch(/^Syncproof[A-Z][A-Za-z]+$/)
    expect(['critical', 'warning', 'none']).toContain(labels.severity)
    expect(annotations.summary, alert).not.toContain('{{')
    expect(annotations.description, alert).toMatch(/\.$/)
    expect(uids).toContain(annotations.dashboard_url.replace('/d/', ''))
    expect(annotations.runbook_url).toBe(`/docs/runbooks/${alert}.md`)
  }
})

test('every alert has its runbook and every runbook its alert, with all four parts and commands that exist', () => {
  const names = readdirSync(new URL('runbooks', docs)).filter((name) => name !== 'README.md')
  expect(names.sort()).toEqual(alerts.map(({ alert }) => `${alert}.md`).sort())
  const options = new Map(commands.map(({ name, options }) => [name, Object.keys(options)]))
  for (const name of names) {
    const page = readFileSync(new URL(`runbooks/${name}`, docs), 'utf8')
    const headings = [...page.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading)
    expect(headings, name).toEqual(['What it means', 'First look', 'Mend', 'Silence'])
    for (const [, command = '', words = ''] of page.matchAll(/`syncproof ([a-z]+)([^`]*)`/g)) {
      expect([...options.keys()], name).toContain(command)
      for (const [, option] of words.matchAll(/--([a-z-]+)/g))
        expect(options.get(command), `${command} in ${name}`).toContain(option)
    }
  }
})

test('every runbook that a panel leads to exists', () => {
  const urls = panels.flatMap(({ links = [] }) => links.map(({ url }) => url))
  expect(urls.length).toBeGreaterThan(20)
  for (const url of urls) expect(alerts.map(({ annotations }) => annotations.runbook_url)).toContain(url)
})
