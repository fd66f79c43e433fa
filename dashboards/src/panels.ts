import {
  LegendDisplayMode,
  LegendPlacement,
  VizLegendOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common'
import {
  type DashboardBuilder,
  DashboardLinkBuilder,
  DashboardLinkType,
  RowBuilder,
  ThresholdsConfigBuilder,
  ThresholdsMode,
} from '@grafana/grafana-foundation-sdk/dashboard'
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus'
import * as stat from '@grafana/grafana-foundation-sdk/stat'
import * as timeseries from '@grafana/grafana-foundation-sdk/timeseries'

/** One query of a panel, with the name of its lines. */
interface Query {
  readonly expr: string
  readonly legend: string
}

interface PanelSpec {
  readonly title: string
  /** What it means, and what to do about it. */
  readonly description: string
  readonly queries: readonly Query[]
  /** Grafana's name of it. */
  readonly unit: string
  /** A number with this and more is red. */
  readonly redFrom?: number
  /** A number with less than this is red. */
  readonly redBelow?: number
  /** A page of docs/runbooks/. */
  readonly runbook?: string
}

export interface RowSpec {
  readonly title: string
  readonly stats?: readonly PanelSpec[]
  readonly graphs?: readonly PanelSpec[]
}

/** The variable that every panel takes its data from. */
export const DATASOURCE = { type: 'prometheus', uid: `\${datasource}` } as const

const COLUMNS = 24
const STAT_HEIGHT = 4
const GRAPH_HEIGHT = 8
const REF_IDS = 'ABCDEFGH'

/** Adds rows, laid out from left to right: stats in one line, graphs two a line. */
export function addRows(dashboard: DashboardBuilder, rows: readonly RowSpec[], docs: string): void {
  for (const { title, stats = [], graphs = [] } of rows) {
    dashboard.withRow(new RowBuilder(title))
    const width = Math.floor(COLUMNS / Math.max(1, stats.length))
    for (const spec of stats) dashboard.withPanel(statPanel(spec, docs).span(width).height(STAT_HEIGHT))
    for (const spec of graphs) {
      dashboard.withPanel(
        graphPanel(spec, docs)
          .span(COLUMNS / 2)
          .height(GRAPH_HEIGHT),
      )
    }
  }
}

function statPanel(spec: PanelSpec, docs: string) {
  return describe(new stat.PanelBuilder(), spec, docs)
}

function graphPanel(spec: PanelSpec, docs: string) {
  return describe(new timeseries.PanelBuilder(), spec, docs)
    .min(0)
    .fillOpacity(10)
    .legend(
      new VizLegendOptionsBuilder()
        .displayMode(LegendDisplayMode.List)
        .placement(LegendPlacement.Bottom)
        .showLegend(true),
    )
}

function describe<B extends stat.PanelBuilder | timeseries.PanelBuilder>(
  panel: B,
  { title, description, queries, unit, redFrom, redBelow, runbook }: PanelSpec,
  docs: string,
): B {
  panel.title(title).description(description).unit(unit).datasource(DATASOURCE)
  for (const [n, { expr, legend }] of queries.entries()) {
    panel.withTarget(
      new DataqueryBuilder()
        .refId(REF_IDS[n] ?? '')
        .datasource(DATASOURCE)
        .expr(expr)
        .legendFormat(legend)
        .exemplar(expr.includes('_bucket')),
    )
  }
  panel.thresholds(thresholds(redFrom, redBelow))
  if (runbook !== undefined) {
    panel.links([
      new DashboardLinkBuilder(`Runbook: ${runbook}`)
        .type(DashboardLinkType.Link)
        .url(`${docs}/runbooks/${runbook}.md`)
        .targetBlank(true),
    ])
  }
  return panel
}

function thresholds(redFrom: number | undefined, redBelow: number | undefined): ThresholdsConfigBuilder {
  const steps =
    redBelow === undefined
      ? [
          { color: 'green', value: null },
          ...(redFrom === undefined ? [] : [{ color: 'red', value: redFrom }]),
        ]
      : [
          { color: 'red', value: null },
          { color: 'green', value: redBelow },
        ]
  return new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(steps)
}
