import { AsyncLocalStorage } from 'node:async_hooks'
import type { EntityRef, Guard, Outcome, WriteEvent } from '@syncproof/core/contract'
import type { ReadEvidence } from './evidence.ts'
import type { Lesson } from './knowledge.ts'
import type { Operation } from './operation.ts'
import type { SyncAnswer } from './report-sync.ts'

/** What a mark says of the evidence that comes from inside its callback. */
export interface MarkScope {
  readonly kind: 'read' | 'write' | 'sync'
  readonly system: string
  readonly entity: EntityRef
  /** The app or the adapter named it; else it is the operation's, which only the entity's own row may borrow. */
  readonly isEntityGiven: boolean
  /** What the app says it writes; only of a write. */
  readonly record?: unknown
  readonly guard?: Guard | undefined
  readonly counter: readonly string[]
  readonly lastWriteWins: readonly string[]
  /** Pieces of evidence that arrived: with none, the mark reports what it knows by itself. */
  reported: number
  /** The requests that adapters saw; only of a sync. */
  requests?: SeenRequests
}

/** Requests that adapters saw inside a mark. */
export interface SeenRequests {
  /** How often the last one was tried before. */
  readonly retries: number
  /** @param request its answer is filled in later
   *  @returns false where there is no room for one more: its answer is not to be told */
  add(request: { readonly target: string; answer: SyncAnswer | undefined }): boolean
  /** What they and the mark's own result say of it. */
  answer(own: MarkResult): SyncAnswer
}

/** What the callback of a mark came to. */
export interface MarkResult extends SyncAnswer {
  readonly resolved: boolean
  /** The app declares this outcome for this very error. */
  readonly isDeclared: boolean
}

/** A section of code that is declared to be alone with an entity; see section/section.ts. */
export interface SectionScope {
  /** A read in it is to be followed by the question whether its backend has a transaction id. */
  readonly asksForLock: boolean
  sawRead(entity: EntityRef, evidence: ReadEvidence): void
  sawWrite(entity: EntityRef, outcome: Outcome): void
  /** What a write says of the section; undefined where the section is about another entity.
   *  @param base what the write was derived from */
  describe(entity: EntityRef, base: Lesson | undefined): WriteEvent['section']
}

export interface Context {
  readonly operation: Operation
  readonly scope?: MarkScope | undefined
  /** Outermost first. */
  readonly sections?: readonly SectionScope[] | undefined
}

// one for the whole process, however many copies of this module were loaded
const key = Symbol.for('@syncproof/sdk context 1')
const shared = globalThis as { [key]?: AsyncLocalStorage<Context> }
shared[key] ??= new AsyncLocalStorage<Context>()
const storage = shared[key]

/** The operation, and the mark in it, that the calling code runs in; undefined outside a wrapped call. */
export function currentContext(): Context | undefined {
  return storage.getStore()
}

export function runIn<T>(context: Context, run: () => T): T {
  return storage.run(context, run)
}
