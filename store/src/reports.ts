import type { Database } from './database.ts'
import { declarePairs, lastWholeRuns, listPairs, listSchedules } from './pairs.ts'
import { getReport, lastRules, listDivergences, listReports, pendingReports } from './report-lists.ts'
import { requestDue, requestReport } from './report-requests.ts'
import { claimReport, finishReport, heartbeatReport, releaseReport } from './report-runs.ts'
import type { ReportStore } from './store.ts'

export function reportStore(db: Database): ReportStore {
  return {
    declarePairs: (projectId, pairs) => declarePairs(db, projectId, pairs),
    pairs: (projectId) => listPairs(db, projectId),
    lastWhole: (projectId) => lastWholeRuns(db, projectId),
    request: (projectId, pair, trigger, keys) => requestReport(db, projectId, pair, trigger, keys),
    requestDue: (projectId, pair) => requestDue(db, projectId, pair),
    schedules: (projectId) => listSchedules(db, projectId),
    claim: (projectId, id, abandonedMs) => claimReport(db, projectId, id, abandonedMs),
    heartbeat: (projectId, id, fence) => heartbeatReport(db, projectId, id, fence),
    release: (projectId, id, fence) => releaseReport(db, projectId, id, fence),
    finish: (projectId, id, fence, outcome) => finishReport(db, projectId, id, fence, outcome),
    list: (projectId, filter, page) => listReports(db, projectId, filter, page),
    get: (projectId, id) => getReport(db, projectId, id),
    divergences: (projectId, reportId, page) => listDivergences(db, projectId, reportId, page),
    pending: (abandonedMs) => pendingReports(db, abandonedMs),
    lastRules: (projectId, pair) => lastRules(db, projectId, pair),
  }
}
