import type { DriverResult } from './answer.ts'

/** One call of `query`, in whichever of its forms. */
export interface Call {
  readonly text: string
  readonly values: readonly unknown[]
  readonly rowMode: string | undefined
  /** It asks for values in their binary form. */
  readonly isBinary: boolean
  readonly callback: ((error: unknown, result?: DriverResult) => void) | undefined
  /** The arguments without the callback: as the user gave them. */
  readonly plain: readonly unknown[]
  /** For another text, answered in array mode.
   *  @param name of a prepared statement; the user's own name has the user's text */
  rewritten(text: string, name: string | undefined): readonly unknown[]
}

/** Undefined for what is no statement with all its rows in the answer: a cursor, a stream, a portal. */
export function readCall(args: readonly unknown[]): Call | undefined {
  const [first, second, third] = args
  const config = typeof first === 'object' && first !== null ? (first as Config) : undefined
  const text = config ? config.text : first
  if (typeof text !== 'string' || typeof config?.submit === 'function' || config?.rows) return undefined
  const callback = [second, third, config?.callback].find((argument) => typeof argument === 'function')
  const given = Array.isArray(second) ? second : undefined
  const values = given ?? config?.values
  if (values !== undefined && values !== null && !Array.isArray(values)) return undefined
  // the callback of a config object stays in it: the driver would call it
  if (config?.callback !== undefined) return undefined
  return {
    text,
    values: values ?? [],
    rowMode: config?.rowMode,
    isBinary: config?.binary === true,
    callback: callback as Call['callback'],
    plain: given === undefined ? [first] : [first, given],
    rewritten: (text, name) => [{ ...config, name, text, values: values ?? undefined, rowMode: 'array' }],
  }
}

interface Config {
  readonly text?: unknown
  readonly values?: unknown[] | null
  readonly rowMode?: string
  readonly binary?: unknown
  readonly callback?: unknown
  readonly submit?: unknown
  readonly rows?: unknown
}
