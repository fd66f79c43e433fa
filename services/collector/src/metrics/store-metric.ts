import type { Count, Counted } from '@syncproof/store'
import type { StoreFigures } from './store-figures.ts'

export interface Sample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** One metric whose values are the store's. Samples with the same labels add up. */
export interface StoreMetric {
  readonly type: 'counter' | 'gauge'
  readonly name: string
  readonly help: string
  readonly labelNames: readonly string[]
  samples(figures: StoreFigures): Iterable<Sample>
}

/** What is counted, by some of its labels. A label that is not known is left out of a sample. */
export function* countedBy(
  { counts }: StoreFigures,
  metric: Counted,
  labelNames: readonly string[],
  isWanted: (labels: Count['labels']) => boolean = () => true,
): Iterable<Sample> {
  for (const count of counts) {
    if (count.metric !== metric || !isWanted(count.labels)) continue
    yield { labels: pick(count.labels, labelNames), value: count.value }
  }
}

function pick(labels: Count['labels'], names: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = labels[name]
      return value === undefined ? [] : [[name, value]]
    }),
  )
}
