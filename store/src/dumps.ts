import type { Database } from './database.ts'
import { exportPage } from './event-export.ts'
import { importMarks, importProcess } from './event-import.ts'
import type { DumpStore, EventStore } from './store.ts'

/** @param append where all events go, those of an import too */
export function dumpStore(db: Database, append: EventStore['append']): DumpStore {
  return {
    page: (projectId, filter, cursor) => exportPage(db, projectId, filter, cursor),
    importProcess: (projectId, process) => importProcess(db, projectId, process),
    async importEvents(projectId, process, events) {
      await importMarks(db, projectId, process.id, events)
      return append(
        projectId,
        process,
        events.map(({ event }) => event),
      )
    },
  }
}
