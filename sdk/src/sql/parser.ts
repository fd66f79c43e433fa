import { describeStatement } from './describe.ts'
import type { Statement } from './statement.ts'

/** The part of libpg-query that is used. */
export interface Grammar {
  loadModule(): Promise<void>
  parseSync(text: string): unknown
  scanSync(text: string): unknown
}

/** Statements whose description is remembered. */
const STATEMENTS_MAX = 1_000
/** A longer text is not read: a bulk insert of megabytes would block the host. */
const TEXT_LENGTH_MAX = 64 * 1024

const NOT_READ = { kind: 'unknown', touches: 'anything', mayWrite: true, mayEndTransaction: true } as const

/** Reads statements; remembers the last `STATEMENTS_MAX` texts. */
export class Parser {
  readonly #grammar: Grammar
  readonly #known = new Map<string, Statement>()

  constructor(grammar: Grammar) {
    this.#grammar = grammar
  }

  /** Never throws: a text that the grammar does not take is `unknown`. */
  describe(text: string): Statement {
    const known = this.#known.get(text)
    if (known) {
      // the one used last goes to the end, so that the first is the one longest unused
      this.#known.delete(text)
      this.#known.set(text, known)
      return known
    }
    if (text.length > TEXT_LENGTH_MAX) return { ...NOT_READ, why: 'too long' }
    const described = this.#read(text)
    const [oldest] = this.#known.keys()
    if (oldest !== undefined && this.#known.size >= STATEMENTS_MAX) this.#known.delete(oldest)
    this.#known.set(text, described)
    return described
  }

  #read(text: string): Statement {
    try {
      return describeStatement(text, this.#grammar.parseSync(text), () => this.#grammar.scanSync(text))
    } catch {
      // the database answers with its own syntax error, or knows a newer grammar than ours
      return { ...NOT_READ, why: 'not understood' }
    }
  }
}

let loading: Promise<Parser | undefined> | undefined
let loaded: Parser | undefined

/** Starts to load the grammar, once for the process. Never rejects: undefined where libpg-query is not installed. */
export function loadParser(): Promise<Parser | undefined> {
  loading ??= load()
  return loading
}

/** The parser, if it has been loaded. */
export function loadedParser(): Parser | undefined {
  return loaded
}

async function load(): Promise<Parser | undefined> {
  try {
    const grammar: Grammar = await import('libpg-query')
    await grammar.loadModule()
    loaded = new Parser(grammar)
    return loaded
  } catch {
    return undefined
  }
}
