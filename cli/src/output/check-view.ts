import type { Check, Skipped } from '../doctor/check.ts'
import type { Paint, Style } from './terminal.ts'
import { printable, wrap, wrapIndented } from './text.ts'

const STYLES: Readonly<Record<Check['state'], Style>> = { pass: 'green', warn: 'yellow', fail: 'red' }
const STATE_COLUMNS = 6
const NAME_COLUMNS = 15
/** On a narrower terminal the sentence stands below its name. */
const BESIDE_COLUMNS_MIN = 80

/** `pass  partitions     8 days, …`, and below it what to do. */
export function checkLines({ name, state, what, mend }: Check, paint: Paint, columns: number): string[] {
  const head = paint(STYLES[state], state.padEnd(STATE_COLUMNS)) + paint('bold', name.padEnd(NAME_COLUMNS))
  const isBeside = columns >= BESIDE_COLUMNS_MIN
  const indent = isBeside ? STATE_COLUMNS + NAME_COLUMNS : 2
  const [first = '', ...rest] = wrapIndented(printable(what), columns, indent)
  const text = isBeside ? [head + first.slice(indent), ...rest] : [head.trimEnd(), first, ...rest]
  const todo = mend === undefined ? [] : wrapIndented(printable(mend), columns, indent)
  return [...text, ...todo.map((line) => paint('cyan', line))]
}

/** What was left out, as talk. */
export function skippedLines(skipped: readonly Skipped[], columns: number): string[] {
  const each = skipped.map(({ name, why }) => `${name} (${why})`)
  return wrap(printable(`Not looked at: ${each.join(', ')}.`), columns)
}
