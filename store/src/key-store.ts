import type { Scope } from './store.ts'

/** What a key opens: one project, with these scopes. */
export interface KeyRow {
  readonly id: string
  readonly projectId: string
  readonly scopes: readonly Scope[]
}

/** What a key opens, or why it opens nothing. */
export type KeyAnswer = KeyRow | 'unknown' | 'revoked'

/** A key as it is listed: everything but the key. */
export interface ApiKey {
  readonly id: string
  readonly project: string
  readonly name: string
  readonly scopes: readonly Scope[]
  readonly created_at: string
  /** Up to a minute older than the last use; null for a key that nobody has used. */
  readonly last_used_at: string | null
  /** Null for a live one. */
  readonly revoked_at: string | null
}

export interface KeyStore {
  /** Makes a key: `sp_` + 256 random bits + checksum. Only its SHA-256 is stored: this is the only time it is seen. */
  create(
    projectId: string,
    name: string,
    scopes: readonly Scope[],
  ): Promise<{ readonly id: string; readonly key: string }>
  /** Accepts a key that the operator chose (SYNCPROOF_API_KEY). One that is known changes nothing, and one that was
   *  revoked stays so.
   *  @returns what the key opens now; `unknown` where it was not known, and this login may not add keys */
  adopt(projectId: string, name: string, key: string, scopes: readonly Scope[]): Promise<KeyAnswer>
  /** Whether there is any live key, of whatever project but the doctor's: without one every request is refused. */
  exist(): Promise<boolean>
  /** The key's project and scopes, or why it opens nothing. Looked up by a part of its SHA-256, and compared in constant time,
   *  so that timing says nothing of a stored key. */
  authenticate(key: string): Promise<KeyAnswer>
  /** Notes that these keys were used now. Where it was noted less than a minute ago, by whomever, nothing is written. */
  used(ids: readonly string[]): Promise<void>
  /** Newest first, revoked ones too; of all projects where none is named. */
  list(projectId?: string): Promise<readonly ApiKey[]>
  /** Ends a key for good; one that is revoked keeps the time at which it was. Who remembers what `authenticate` said must
   *  ask again within 5 s.
   *  @returns undefined where there is no key of this id, or it is of another project than the one named */
  revoke(id: string, projectId?: string): Promise<ApiKey | undefined>
  /** Removes keys of the doctor's project that are revoked, or that a killed one left ten minutes ago: a key a run would make
   *  the list unreadable. Needs the rights of the owner. */
  forgetShadow(): Promise<void>
}
