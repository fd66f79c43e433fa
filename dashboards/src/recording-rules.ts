import { WINDOWS } from './objective.ts'
import { once } from './promql.ts'
import type { RecordingRule, RuleFile } from './rules.ts'

const growth = (metric: string, window: string) => once(`increase(${metric}[${window}])`)
const by = (labels: string, expr: string) => `sum by (${labels}) (${expr})`

const ENTITY_SYSTEM = 'entity_type, system'
/** Of a normal distribution: 95 % lie above it. */
const Z = 1.645

export const recordingRules: RuleFile = {
  groups: [
    { name: 'syncproof-rates', rules: rates() },
    { name: 'syncproof-consistency', rules: consistency() },
  ],
}

function rates(): readonly RecordingRule[] {
  const ratio = (part: string, whole: string) => `${part} / (${whole} > 0)`
  const total = (metric: string, window = '1h') => `sum(${growth(metric, window)})`
  const okWrites = total('syncproof_writes_total{outcome="ok"}')
  const operations = total('syncproof_operations_total')
  const checked = by('section', growth('syncproof_section_runs_total{result=~"held|not_held"}', '1h'))
  return [
    {
      record: 'syncproof:write_conflicts:ratio_increase1h',
      expr: ratio(total('syncproof_write_conflicts_total'), okWrites),
    },
    {
      record: 'syncproof:partial_writes:ratio_increase1h',
      expr: ratio(total('syncproof_partial_writes_total'), operations),
    },
    {
      record: 'syncproof:retries:ratio_increase1h',
      expr: ratio(total('syncproof_operation_retries_total'), operations),
    },
    {
      record: 'section:syncproof_locks_held:ratio_increase1h',
      expr: ratio(by('section', growth('syncproof_section_runs_total{result="held"}', '1h')), checked),
    },
  ]
}

/** Of the writes of each kind of entity to each system. What is not known yet is in no share of what is. */
function consistency(): readonly RecordingRule[] {
  return [...WINDOWS.flatMap(late), ...shares()]
}

/** Known, and late: of those, not consistent within 5 minutes. */
function late(window: string): readonly RecordingRule[] {
  const synced = by(ENTITY_SYSTEM, growth('syncproof_synced_writes_total', window))
  const inTime = by(ENTITY_SYSTEM, growth('syncproof_consistent_writes_total{within="5m"}', window))
  const known = `entity_type_system:syncproof_known_writes:increase${window}`
  const lateWrites = `entity_type_system:syncproof_late_writes:increase${window}`
  return [
    { record: known, expr: less(synced, unknown(window)) },
    { record: lateWrites, expr: less(known, inTime) },
    {
      record: `entity_type_system:syncproof_late_writes:ratio_increase${window}`,
      expr: `${lateWrites} / (${known} > 0)`,
    },
  ]
}

/** Of a metric that nobody has exported yet there is nothing to take away. */
function less(all: string, some: string): string {
  return `clamp_min(${all} - (${some} or ${all} * 0), 0)`
}

function unknown(window: string): string {
  const said = by(ENTITY_SYSTEM, growth('syncproof_synced_writes_total{result="unknown"}', window))
  const settled = by(ENTITY_SYSTEM, growth('syncproof_repaired_writes_total{was="unknown"}', window))
  return less(said, settled)
}

/** For people: the share that is known to have been consistent in time, with what is not known counted against it. */
function shares(): readonly RecordingRule[] {
  const synced = `(${by(ENTITY_SYSTEM, growth('syncproof_synced_writes_total', '1h'))} > 0)`
  const share = 'entity_type_system_within:syncproof_consistency:ratio_increase1h'
  const count = 'entity_type_system:syncproof_synced_writes:increase1h'
  return [
    { record: count, expr: synced },
    {
      record: share,
      expr: `clamp_max(${by(`${ENTITY_SYSTEM}, within`, growth('syncproof_consistent_writes_total', '1h'))} / on (${ENTITY_SYSTEM}) group_left () ${count}, 1)`,
    },
    {
      // Wilson, E. B. (1927), one-sided at 95 %
      record: 'entity_type_system_within:syncproof_consistency:lower95_increase1h',
      expr: wilson(share, `(${share} * 0 + on (${ENTITY_SYSTEM}) group_left () ${count})`),
    },
    {
      record: 'entity_type_system:syncproof_unknown_writes:ratio_increase1h',
      expr: `${unknown('1h')} / ${count}`,
    },
  ]
}

/** The lower bound of Wilson's score interval, for a share of n. */
function wilson(share: string, n: string): string {
  const z2 = (Z ** 2).toFixed(6)
  const middle = `${share} + ${z2} / (2 * ${n})`
  const spread = `${Z} * sqrt((${share} * (1 - ${share}) + ${z2} / (4 * ${n})) / ${n})`
  return `(${middle} - ${spread}) / (1 + ${z2} / ${n})`
}
