import type { Store } from '@syncproof/store'

/** What the report API reads: of a store, all that may come from a standby. A store is one. */
export interface ReportReads {
  readonly events: Pick<Store['events'], 'timeline'>
  readonly dumps: Pick<Store['dumps'], 'page'>
  readonly findings: Pick<Store['findings'], 'list' | 'get'>
  readonly groups: Pick<Store['groups'], 'list' | 'get'>
  readonly inconsistencies: Pick<Store['inconsistencies'], 'doubts'>
  readonly operations: Pick<Store['operations'], 'list'>
  readonly processes: Pick<Store['processes'], 'list' | 'minutes'>
  readonly reports: Pick<Store['reports'], 'pairs' | 'list' | 'get' | 'divergences'>
  readonly sections: Pick<Store['sections'], 'list'>
}
