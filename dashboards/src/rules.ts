/** A rule file of Prometheus. */
export interface RuleFile {
  readonly groups: readonly RuleGroup[]
}

interface RuleGroup {
  readonly name: string
  readonly rules: readonly (RecordingRule | AlertRule)[]
}

export interface RecordingRule {
  readonly record: string
  readonly expr: string
}

export interface AlertRule {
  readonly alert: string
  readonly expr: string
  readonly for?: string
  readonly labels: { readonly severity: Severity }
  readonly annotations: Readonly<Record<'summary' | 'description' | 'runbook_url' | 'dashboard_url', string>>
}

/** `critical` wakes somebody, `warning` waits for the day, `none` is always there. */
export type Severity = 'critical' | 'warning' | 'none'
