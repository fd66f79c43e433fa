import { stringify } from 'yaml'
import type { LinkBases } from './alert.ts'
import { alertRules } from './alert-rules.ts'
import { buildDashboard } from './dashboard.ts'
import { itself } from './itself.ts'
import { operation } from './operation.ts'
import { overview } from './overview.ts'
import { pair } from './pair.ts'
import { recordingRules } from './recording-rules.ts'

const dashboards = [overview, pair, operation, itself]

/** Every file that is made, by its path in dashboards/. */
export function filesOf(bases: LinkBases): ReadonlyMap<string, string> {
  const files = new Map<string, string>()
  for (const spec of dashboards) {
    const built = buildDashboard(spec, bases.docs)
    files.set(`grafana/${spec.uid}.json`, `${JSON.stringify(built, null, 2)}\n`)
  }
  files.set('prometheus/recording.rules.yml', yaml(recordingRules))
  files.set('prometheus/alerts.rules.yml', yaml(alertRules(bases)))
  return files
}

function yaml(value: object): string {
  return `# Made by \`npm run dashboards\`: change dashboards/src/ instead.\n${stringify(value, { lineWidth: 0 })}`
}
