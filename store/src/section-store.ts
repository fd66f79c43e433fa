import type { Protection } from '@syncproof/core/contract'
import type { Page, PageRequest } from './store.ts'

/** How one declared section did in one release of one service. A run is counted once, when the first of its two
 *  events is judged; one whose events never came is not counted, and `events_missing` says that there may be such. */
export interface SectionRow {
  readonly name: string
  readonly service: string
  readonly release: string | null
  /** What it declared; more than one where the code disagrees. */
  readonly protections: readonly Protection[]
  /** All runs: held + not_held + unknown. */
  readonly entered: number
  /** Runs whose locking read held a lock. */
  readonly held: number
  /** Runs that surely held none. */
  readonly not_held: number
  /** Runs that nobody checked: another protection than `row_lock`, or a read that found no row. */
  readonly unknown: number
  /** `lock-void` findings by way. `undecided`: not proven. */
  readonly void: {
    readonly foreign_version: number
    readonly overlap: number
    readonly holds_nothing: number
    readonly undecided: number
  }
  /** Of all events of this release's processes: dropped, sampled out, or lost by one that has ended or is silent. What is
   *  still on its way is not among them. */
  readonly events_missing: number
  readonly first_seen_at: string
  readonly last_seen_at: string
}

export interface SectionFilter {
  readonly name?: string | undefined
  readonly service?: string | undefined
  readonly release?: string | undefined
  /** RFC 3339: seen last at or after. */
  readonly since?: string | undefined
}

export interface SectionStore {
  /** Newest `first_seen_at` first: a row's place in the list never changes. */
  list(projectId: string, filter: SectionFilter, page: PageRequest): Promise<Page<SectionRow>>
  /** For metrics, over all projects but the doctor's: runs by name. */
  counts(): Promise<
    readonly {
      readonly name: string
      readonly held: number
      readonly not_held: number
      readonly unknown: number
    }[]
  >
}
