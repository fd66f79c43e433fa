/** What a version token names: one state of one row. */
export interface TokenParts {
  /** How the version was obtained: `xmin`, `column` … */
  readonly kind: string
  /** Identity of the database cluster and database. */
  readonly database: string
  readonly table: string
  /** Primary key, as text. */
  readonly key: string
  readonly value: string
}

/** `overwritten_version` of a write that surely replaced no row. */
export const NO_ROW = 'none'

const SEPARATOR = '/'

/** The token's text: its parts percent-encoded, so that no part can contain the separator. */
export function formatToken(parts: TokenParts): string {
  const { kind, database, table, key, value } = parts
  const row = `${encodePart(kind)}/${encodePart(database)}/${encodePart(table)}/${encodePart(key)}`
  return `${row}/${encodePart(value)}`
}

/** The parts of a token, or undefined where the text is not one, or not as `formatToken` spells it: two
 *  spellings of one version would look like two versions. */
export function parseToken(token: string): TokenParts | undefined {
  const texts = token.split(SEPARATOR)
  if (texts.length !== 5) return undefined
  if (PLAIN_TOKEN.test(token)) {
    const [kind = '', database = '', table = '', key = '', value = ''] = texts
    return { kind, database, table, key, value }
  }
  try {
    const [kind, database, table, key, value] = texts.map((text) => decodeURIComponent(text))
    if (!kind || !database || !table || key === undefined || !value) return undefined
    const parts = { kind, database, table, key, value }
    return formatToken(parts) === token ? parts : undefined
  } catch {
    return undefined
  }
}

/** Two tokens can be compared only if all but their value match. */
export function tokensComparable(a: string, b: string): boolean {
  return isToken(a) && isToken(b) && scopeOf(a) === scopeOf(b)
}

export function isToken(token: string): boolean {
  return PLAIN_TOKEN.test(token) || parseToken(token) !== undefined
}

function scopeOf(token: string): string {
  return token.slice(0, token.lastIndexOf(SEPARATOR))
}

/** Lone surrogates, which encodeURIComponent throws on, become U+FFFD. */
function encodePart(part: string): string {
  return PLAIN.test(part) ? part : encodeURIComponent(part.toWellFormed())
}

/** What is encoded as itself, as most parts are; a write makes tokens of some thirty. */
const PLAIN = /^[\w.-]*$/

/** Of such parts alone, none empty but the key. Every write that is judged asks about some tokens. */
const PLAIN_TOKEN = /^[\w.-]+\/[\w.-]+\/[\w.-]+\/[\w.-]*\/[\w.-]+$/
