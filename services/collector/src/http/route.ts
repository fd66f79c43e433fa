import type { Scope, Store } from '@syncproof/store'
import type { ReportReads } from '../replica/report-reads.ts'
import type { RequireScope } from './auth.ts'

/** What every route group gets. */
export interface RouteOptions {
  readonly store: Store
  /** Where what is only shown is read from: the store, or a replica of it, which may be behind. */
  readonly reads: ReportReads
  readonly requireScope: RequireScope
}

/** How a route that needs a key of `scope` says so in OpenAPI; `requireScope` is what holds it. */
export function needsKey(scope: Scope): { readonly security: { apiKey: Scope[] }[] } {
  return { security: [{ apiKey: [scope] }] }
}
