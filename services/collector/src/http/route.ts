import type { Scope, Store } from '@syncproof/store'
import type { RequireScope } from './auth.ts'

/** What every route group gets. */
export interface RouteOptions {
  readonly store: Store
  readonly requireScope: RequireScope
}

/** How a route that needs a key of `scope` says so in OpenAPI; `requireScope` is what holds it. */
export function needsKey(scope: Scope): { readonly security: { apiKey: Scope[] }[] } {
  return { security: [{ apiKey: [scope] }] }
}
