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

interface Shared {
  readonly storage: AsyncLocalStorage<Context>
  /** Adapters are loaded, which report what happens inside a mark to it. */
  asksForMarks: boolean
}

// one for the whole process, however many copies of this module were loaded
const key = Symbol.for('@syncproof/sdk context 2')
const global = globalThis as { [key]?: Shared }
global[key] ??= { storage: new AsyncLocalStorage<Context>(), asksForMarks: false }
const shared = global[key]

/** The operation, and the mark in it, that the calling code runs in; undefined outside a wrapped call. */
export function currentContext(): Context | undefined {
  return shared.storage.getStore()
}

export function runIn<T>(context: Context, run: () => T): T {
  return shared.storage.run(context, run)
}

/** Runs the callback of a mark, in the mark's context where anybody may ask for it. */
export function runInMark<T>(context: Context, run: () => T): T {
  return shared.asksForMarks ? runIn(context, run) : run()
}

/** Called when an adapter is loaded. */
export function askForMarks(): void {
  shared.asksForMarks = true
}
