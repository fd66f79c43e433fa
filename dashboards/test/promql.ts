import { parser } from '@prometheus-io/lezer-promql'

interface Selector {
  readonly name: string
  readonly labels: readonly string[]
}

/** The metrics that a query selects, with the labels by which it does; and what of it is no PromQL. Variables of
 *  Grafana stand for something that is. */
export function parsePromql(query: string): {
  readonly metrics: readonly Selector[]
  readonly errors: readonly string[]
} {
  const text = query.replaceAll('$__rate_interval', '1m').replaceAll(/\$[a-z_]+/g, 'x')
  const metrics: { name: string; labels: string[] }[] = []
  const errors: string[] = []
  parser.parse(text).iterate({
    enter({ name, from, to, type }) {
      const said = text.slice(from, to)
      if (type.isError) errors.push(`${from}: ${text.slice(Math.max(0, from - 20), to + 20)}`)
      if (name === 'VectorSelector')
        metrics.push({ name: /^[a-zA-Z_:][\w:]*/.exec(said)?.[0] ?? said, labels: [] })
      if (name === 'LabelName' && metrics.at(-1) && isMatcher(text, to)) metrics.at(-1)?.labels.push(said)
    },
  })
  return { metrics, errors }
}

/** A label in braces, and none of a `by` or an `on`. */
function isMatcher(text: string, to: number): boolean {
  return /^\s*(=~|!~|!=|=)/.test(text.slice(to))
}
