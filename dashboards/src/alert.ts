import type { AlertRule, RuleFile, Severity } from './rules.ts'

/** Where alerts link to. */
export interface LinkBases {
  /** Of Grafana, without a slash at the end. */
  readonly grafana: string
  /** Of the folder docs/, without a slash at the end. */
  readonly docs: string
}

export interface Alert {
  /** Also the name of its page in docs/runbooks/. */
  readonly alert: string
  readonly expr: string
  readonly for?: string
  readonly severity: Severity
  /** Static: what groups say. */
  readonly summary: string
  /** Templated, with what this one is about. */
  readonly description: string
  /** The uid of one of the dashboards. */
  readonly dashboard: string
}

export function alertGroup(
  { grafana, docs }: LinkBases,
  name: string,
  alerts: readonly Alert[],
): RuleFile['groups'][number] {
  const rules = alerts.map(
    ({ alert, expr, for: held, severity, summary, description, dashboard }): AlertRule => ({
      alert,
      expr,
      ...(held !== undefined && { for: held }),
      labels: { severity },
      annotations: {
        summary,
        description,
        runbook_url: `${docs}/runbooks/${alert}.md`,
        dashboard_url: `${grafana}/d/${dashboard}`,
      },
    }),
  )
  return { name, rules }
}
