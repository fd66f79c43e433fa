import { alertStore } from './alerts.ts'
import { appendOne } from './append/append-one.ts'
import { GroupCommit } from './append/group-commit.ts'
import { countStore } from './counts.ts'
import { openDatabase, type StoreOptions } from './database.ts'
import { detectionStore } from './detection.ts'
import { dumpStore } from './dumps.ts'
import { erasureStore } from './erasure.ts'
import { eventStore } from './events.ts'
import { findingStore } from './findings.ts'
import { groupStore } from './groups.ts'
import { healthStore } from './health.ts'
import { heartbeatStore } from './heartbeats.ts'
import { inconsistencyStore } from './inconsistencies.ts'
import { keyStore } from './keys.ts'
import { maintenanceStore } from './maintenance.ts'
import { makerStore } from './makers.ts'
import { assertMigrated } from './migrate-store.ts'
import { operationStore } from './operations.ts'
import { processStore } from './processes.ts'
import { reportStore } from './reports.ts'
import { retentionStore } from './retention.ts'
import { sectionStore } from './sections.ts'
import { segmentStore } from './segments.ts'
import type { Store } from './store.ts'
import { traceStore } from './traces.ts'
import { walStore } from './wal.ts'

/** A store on PostgreSQL or PGlite. It connects when it is first used, and again whenever it must. */
export function openStore(options: StoreOptions): Store {
  const { db, ingest, close } = openDatabase(options)
  const { pool } = ingest
  const group = pool && new GroupCommit(ingest.db, pool)
  const events = eventStore(db, (batch) => (group ? group.append(batch) : appendOne(ingest.db, batch)))
  return {
    events,
    alerts: alertStore(db),
    counts: countStore(db),
    detection: detectionStore(db),
    dumps: dumpStore(db, events.append),
    findings: findingStore(db),
    groups: groupStore(db),
    inconsistencies: inconsistencyStore(db),
    maintenance: maintenanceStore(db),
    makers: makerStore(db),
    operations: operationStore(db),
    processes: processStore(db),
    sections: sectionStore(db),
    reports: reportStore(db),
    segments: segmentStore(db),
    // what a batch asks for before it is appended must not wait behind reports, either
    retention: { ...retentionStore(db), horizon: retentionStore(ingest.db).horizon },
    erasure: erasureStore(db),
    health: healthStore(db),
    heartbeats: heartbeatStore(db, ingest.db),
    keys: keyStore(ingest.db),
    traces: traceStore(db, ingest.db),
    wal: walStore(db),
    ready: () => assertMigrated(db),
    close,
  }
}
