import { openSync, writeSync } from 'node:fs'
import type { Values } from '../world/row.ts'

/** What a program itself writes down of what it does, beside Syncproof. `call` is the key of the operation that does
 *  it, `root` that of the outermost one. Lines of one process are in the order in which things happened in it. */
export type DiaryLine =
  | { readonly what: 'began' | 'ended'; readonly call: string; readonly root: string }
  | {
      readonly what: 'read'
      readonly call: string
      readonly root: string
      readonly row: string
      readonly values: Values | null
    }
  | Writing
  | { readonly what: 'wrote'; readonly statement: string; readonly rows: number | null }
  /** What these statements did was rolled back. */
  | {
      readonly what: 'undone'
      readonly call: string
      readonly root: string
      readonly statements: readonly string[]
    }
  | Entered
  | Held
  | Sending
  | { readonly what: 'unforeseen'; readonly call: string; readonly error: string }
  | { readonly what: 'answered'; readonly request: string; readonly status: number | null }

/** About to be sent. */
export interface Writing {
  readonly what: 'writing'
  readonly call: string
  readonly root: string
  /** As in `updated_by` of the version that it makes. */
  readonly statement: string
  readonly action: 'update' | 'upsert' | 'create' | 'delete'
  readonly rows: readonly string[]
  /** Values that the program computed. */
  readonly set: Values
  /** Columns that SQL computes. */
  readonly computed: readonly string[]
}

/** The beginning of what `Held` tells, while it is not known when it will end. */
interface Entered {
  readonly what: 'entered'
  readonly call: string
  readonly row: string
  readonly guard: string
  readonly found: boolean
  readonly outerNs: string
  readonly innerNs: string
}

/** A section that was declared exclusive, from its lock to just before the end of it. */
export interface Held {
  readonly what: 'held'
  readonly call: string
  readonly row: string
  readonly guard: string
  /** Whether there was anything to lock: of a row that is not there nobody is kept out. */
  readonly found: boolean
  /** Nanoseconds of this machine's monotonic clock, the same in all of its processes: around everything, and from
   *  the answer of the (locking) read to the last step inside. */
  readonly outerNs: readonly [string, string]
  readonly innerNs: readonly [string, string]
}

/** A request that is about to be sent. */
export interface Sending {
  readonly what: 'sending'
  readonly call: string
  readonly root: string
  readonly request: string
  readonly record: string
  readonly fields: Values
  readonly created: boolean
  /** The call whose change it carries: another one's where an outbox sends it. */
  readonly carries: string
}

/** Each line is with the kernel before what it announces happens, so that a killed process has written it. */
export class Diary {
  readonly #file: number

  constructor(path: string) {
    this.#file = openSync(path, 'a')
  }

  note(line: DiaryLine): void {
    writeSync(this.#file, `${JSON.stringify(line)}\n`)
  }
}
