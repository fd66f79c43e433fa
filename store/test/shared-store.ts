import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll } from 'vitest'
import type { FreshStore, OpenFreshStore } from '../../tools/testing/stores.ts'

/** One store for a suite, because a PGlite takes seconds to start; every test works in a project of its own. */
export function sharedStore(open: OpenFreshStore): () => { store: FreshStore['store']; project: string } {
  let fresh: FreshStore
  beforeAll(async () => {
    fresh = await open()
  })
  afterAll(() => fresh.close())
  return () => ({ store: fresh.store, project: `project-${randomUUID()}` })
}
