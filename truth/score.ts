import type { Claims } from './judge/claims.ts'
import type { Kind, Truth } from './oracle/truth.ts'

/** One kind of finding, counted over rounds. */
export interface Score {
  /** That must be found. */
  happened: number
  found: number
  /** Proven, and it did not happen. */
  false: number
  /** A few of each, as the claims and the oracle say it. */
  readonly missed: string[]
  readonly wrong: string[]
}

export const KINDS = [
  'lost',
  'conflicts',
  'splits',
  'voidByForeign',
  'voidByNothing',
  'overlaps',
  'skews',
  'reorders',
  'orphans',
  'unobserved',
  'duplicates',
  'others',
  'unverified',
] as const satisfies readonly Kind[]

const EXAMPLES_MAX = 6

export class Scores {
  readonly byKind = new Map<Kind, Score>(
    KINDS.map((kind) => [kind, { happened: 0, found: 0, false: 0, missed: [], wrong: [] }]),
  )

  /** Compares what was claimed with what happened, one by one and never by number. */
  add(truth: Truth, claims: Claims): void {
    for (const [kind, score] of this.byKind) {
      const { sure, possible } = truth[kind]
      const claimed = new Set(claims[kind])
      const may = new Set<string>(possible)
      const must = new Set<string>(sure)
      const missed = [...must].filter((text) => !claimed.has(text))
      const wrong = [...claimed].filter((text) => !may.has(text))
      score.happened += must.size
      score.found += must.size - missed.length
      score.false += wrong.length
      score.missed.push(...missed.slice(0, EXAMPLES_MAX - score.missed.length))
      score.wrong.push(...wrong.slice(0, EXAMPLES_MAX - score.wrong.length))
    }
  }

  get false(): number {
    return [...this.byKind.values()].reduce((sum, score) => sum + score.false, 0)
  }

  /** Of what must be found, the share that was; 1 where nothing had to be. */
  recall(kind: Kind): number {
    const score = this.byKind.get(kind)
    return score && score.happened > 0 ? score.found / score.happened : 1
  }
}
