import { listOf, nodeOf } from './node.ts'
import type { Span } from './statement.ts'

interface Token extends Span {
  /** Upper case where it is a keyword, else as written. */
  readonly text: string
  readonly isKeyword: boolean
  /** Parentheses around it. */
  readonly depth: number
}

/** The text of a statement with its tokens, so that clauses can be found in it. The grammar counts bytes of
 *  UTF-8; places handed in are such bytes, places given back are what JS counts. */
export class StatementText {
  readonly #tokens: readonly Token[]
  readonly #toText: (byte: number) => number

  constructor(text: string, scanned: unknown) {
    this.#toText = placesOf(text)
    this.#tokens = this.#read(listOf(nodeOf(scanned).tokens))
  }

  get whole(): Span {
    return { start: this.#tokens[0]?.start ?? 0, end: this.#tokens.at(-1)?.end ?? 0 }
  }

  at(byte: number): number {
    return this.#toText(byte)
  }

  /** The last keyword of this name before a place, outside of parentheses. */
  keywordBefore(name: string, byte: number): Span | undefined {
    const place = this.at(byte)
    return this.#tokens.findLast((token) => isClause(token, name) && token.end <= place)
  }

  /** The first one after a place that was given back. */
  keywordAfter(name: string, place: number): Span | undefined {
    return this.#tokens.find((token) => isClause(token, name) && token.start >= place)
  }

  /** From the token after `start` to the one before `end`: without the space and the comments around. */
  between(start: number, end: number): Span {
    const inside = this.#tokens.filter((token) => token.start >= start && token.end <= end)
    return { start: inside[0]?.start ?? start, end: inside.at(-1)?.end ?? start }
  }

  #read(tokens: readonly unknown[]): Token[] {
    const read: Token[] = []
    let depth = 0
    for (const item of tokens) {
      const token = nodeOf(item)
      if (token.tokenName === 'SQL_COMMENT' || token.tokenName === 'C_COMMENT') continue
      if (token.tokenName === 'ASCII_59') continue
      if (token.tokenName === 'ASCII_41') depth -= 1
      const isKeyword = token.keywordName !== 'NO_KEYWORD'
      const text = String(token.text)
      read.push({
        start: this.at(Number(token.start)),
        end: this.at(Number(token.end)),
        text: isKeyword ? text.toUpperCase() : text,
        isKeyword,
        depth,
      })
      if (token.tokenName === 'ASCII_40') depth += 1
    }
    return read
  }
}

function isClause(token: Token, name: string): boolean {
  return token.isKeyword && token.depth === 0 && token.text === name
}

function placesOf(text: string): (byte: number) => number {
  const bytes = Buffer.from(text)
  if (bytes.length === text.length) return (byte) => byte
  return (byte) => bytes.subarray(0, byte).toString().length
}
