import type { Kysely } from 'kysely'
import { up as events } from './2026_11_20_1_events.ts'
import { up as detection } from './2026_11_20_2_detection.ts'
import { up as reports } from './2026_11_20_3_reports.ts'
import { up as keys } from './2026_11_20_4_keys.ts'
import { up as links } from './2026_11_25_1_links.ts'
import { up as sections } from './2026_11_25_2_sections.ts'
import { up as inconsistent } from './2026_11_25_3_inconsistent.ts'
import { up as findingGroups } from './2026_11_25_4_finding_groups.ts'
import { up as replacedVersions } from './2026_11_25_5_replaced_versions.ts'
import { up as keyUse } from './2026_11_26_1_keys.ts'
import { up as retention } from './2026_11_26_3_retention.ts'
import { up as erasure } from './2026_11_26_4_erasure.ts'
import { up as spans } from './2026_11_26_5_spans.ts'
import { up as books } from './2026_11_26_6_books.ts'
import { up as append } from './2026_11_26_7_append.ts'
import { up as copies } from './2026_11_26_8_copies.ts'
import { up as contradicted } from './2026_11_26_9_contradicted.ts'
import { up as segments } from './2026_11_27_1_segments.ts'
import { up as counts } from './2026_11_27_2_counts.ts'
import { up as heartbeats } from './2026_11_27_3_heartbeats.ts'
import { up as traces } from './2026_11_27_4_traces.ts'
import { up as alerts } from './2026_11_27_5_alerts.ts'
import { up as countedAtOnce } from './2026_11_27_6_counted_at_once.ts'

export interface Migration {
  readonly name: string
  up(db: Kysely<unknown>): Promise<void>
}

/** Every migration, in the order in which they are applied. A file that was released is never changed. */
export const migrations: readonly Migration[] = [
  { name: '2026_11_20_1_events', up: events },
  { name: '2026_11_20_2_detection', up: detection },
  { name: '2026_11_20_3_reports', up: reports },
  { name: '2026_11_20_4_keys', up: keys },
  { name: '2026_11_25_1_links', up: links },
  { name: '2026_11_25_2_sections', up: sections },
  { name: '2026_11_25_3_inconsistent', up: inconsistent },
  { name: '2026_11_25_4_finding_groups', up: findingGroups },
  { name: '2026_11_25_5_replaced_versions', up: replacedVersions },
  { name: '2026_11_26_1_keys', up: keyUse },
  { name: '2026_11_26_3_retention', up: retention },
  { name: '2026_11_26_4_erasure', up: erasure },
  { name: '2026_11_26_5_spans', up: spans },
  { name: '2026_11_26_6_books', up: books },
  { name: '2026_11_26_7_append', up: append },
  { name: '2026_11_26_8_copies', up: copies },
  { name: '2026_11_26_9_contradicted', up: contradicted },
  { name: '2026_11_27_1_segments', up: segments },
  { name: '2026_11_27_2_counts', up: counts },
  { name: '2026_11_27_3_heartbeats', up: heartbeats },
  { name: '2026_11_27_4_traces', up: traces },
  { name: '2026_11_27_5_alerts', up: alerts },
  { name: '2026_11_27_6_counted_at_once', up: countedAtOnce },
]
