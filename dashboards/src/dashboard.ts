import {
  AnnotationQueryBuilder,
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  VariableHide,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard'
import { addRows, DATASOURCE, type RowSpec } from './panels.ts'

/** A variable whose values are those of a label. */
interface VariableSpec {
  readonly name: string
  readonly label: string
  /** Such as `label_values(metric, label)`. */
  readonly query: string
  /** It follows from the others. */
  readonly isHidden?: boolean
}

export interface DashboardSpec {
  /** Never changes: links and bookmarks hold it. */
  readonly uid: string
  readonly title: string
  readonly description: string
  readonly variables?: readonly VariableSpec[]
  readonly rows: readonly RowSpec[]
}

const TAG = 'syncproof'

/** @param docs where the folder docs/ is to be read */
export function buildDashboard(
  { uid, title, description, variables = [], rows }: DashboardSpec,
  docs: string,
) {
  const dashboard = new DashboardBuilder(`Syncproof: ${title}`)
    .uid(uid)
    .id(null)
    .description(description)
    .tags([TAG])
    .time({ from: 'now-6h', to: 'now' })
    .refresh('30s')
    .timezone('browser')
    .tooltip(DashboardCursorSync.Crosshair)
    .withVariable(new DatasourceVariableBuilder('datasource').label('Prometheus').type('prometheus'))
    .link(
      new DashboardLinkBuilder('Syncproof')
        .type(DashboardLinkType.Dashboards)
        .tags([TAG])
        .asDropdown(true)
        .keepTime(true)
        .includeVars(true),
    )
    .annotation(
      new AnnotationQueryBuilder()
        .name('Releases')
        .datasource(DATASOURCE)
        .enable(true)
        .hide(false)
        .iconColor('blue')
        .expr('max by (service, release) (syncproof_release_first_seen_timestamp_seconds) * 1000')
        .useValueForTime(true)
        .titleFormat('{{service}}')
        .textFormat('release {{release}}')
        .tagKeys('service,release')
        .step('60s'),
    )
  for (const { name, label, query, isHidden = false } of variables) {
    dashboard.withVariable(
      new QueryVariableBuilder(name)
        .label(label)
        .query({ query, refId: 'A' })
        .datasource(DATASOURCE)
        .refresh(VariableRefresh.OnTimeRangeChanged)
        .sort(VariableSort.AlphabeticalAsc)
        .hide(isHidden ? VariableHide.HideVariable : VariableHide.DontHide),
    )
  }
  addRows(dashboard, rows, docs)
  return dashboard.build()
}
