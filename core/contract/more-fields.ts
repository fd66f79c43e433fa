import { canonicalBoolean, canonicalText, plainDecimal } from './canonical-value.ts'
import { type FieldRule, isCalendarDay, makeRule, numberText, type RuleOptions } from './fields.ts'

/** How a day is spelled. */
export type DayFormat = 'YYYY-MM-DD' | 'YYYYMMDD' | 'DD.MM.YYYY' | 'MM/DD/YYYY' | 'DD/MM/YYYY'

export interface DateOptions extends RuleOptions {
  /** Default `YYYY-MM-DD`, which is read whatever else is. */
  readonly format?: DayFormat
  /** Read an instant as its day in UTC. Default false: which day it is depends on a zone that nobody named. */
  readonly utc?: boolean
}

/** A day of the calendar, without time or zone. */
export function date(options: DateOptions = {}): FieldRule {
  const read = SHAPES[options.format ?? 'YYYY-MM-DD']
  const rule = makeRule('date', { ...options }, (value) => {
    const text =
      value instanceof Date && options.utc && !Number.isNaN(value.getTime()) ? value.toISOString() : value
    if (typeof text !== 'string') return undefined
    const day = iso(text, options.utc === true) ?? read.exec(text)?.groups
    if (day === undefined) return undefined
    const spelled = `${day.y}-${day.m}-${day.d}`
    return isCalendarDay(spelled) ? canonicalText(spelled) : undefined
  })
  // columns of databases have had this rule, and this version of it, before it was public
  return Object.keys(options).length === 0 ? { ...rule, id: 'day' } : rule
}

const SHAPES: Readonly<Record<DayFormat, RegExp>> = {
  'YYYY-MM-DD': /^(?<y>\d{4})-(?<m>\d\d)-(?<d>\d\d)$/,
  YYYYMMDD: /^(?<y>\d{4})(?<m>\d\d)(?<d>\d\d)$/,
  'DD.MM.YYYY': /^(?<d>\d\d)\.(?<m>\d\d)\.(?<y>\d{4})$/,
  'MM/DD/YYYY': /^(?<m>\d\d)\/(?<d>\d\d)\/(?<y>\d{4})$/,
  'DD/MM/YYYY': /^(?<d>\d\d)\/(?<m>\d\d)\/(?<y>\d{4})$/,
}

const INSTANT_IN_UTC =
  /^(?<y>\d{4})-(?<m>\d\d)-(?<d>\d\d)[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|\+00(?::?00)?)$/

function iso(text: string, utc: boolean): Record<string, string> | undefined {
  const match = SHAPES['YYYY-MM-DD'].exec(text) ?? (utc ? INSTANT_IN_UTC.exec(text) : null)
  return match?.groups
}

export interface TruthOptions extends RuleOptions {
  /** What means true, by its text: `['1', 'yes', 'Y']`. */
  readonly trueIs: readonly string[]
  readonly falseIs: readonly string[]
}

/** A truth value by other names, besides `true` and `false` themselves. */
export function truth(options: TruthOptions): FieldRule {
  const names = new Map<string, boolean>([
    ...options.trueIs.map((name) => [name, true] as const),
    ...options.falseIs.map((name) => [name, false] as const),
  ])
  return makeRule('truth', { ...options }, (value) => {
    const is = typeof value === 'boolean' ? value : isScalar(value) ? names.get(String(value)) : undefined
    return is === undefined ? undefined : canonicalBoolean(is)
  })
}

function isScalar(value: unknown): value is string | number {
  return typeof value === 'string' || typeof value === 'number'
}

/** A list whose items are read by a rule; their order counts. */
export function list(item: FieldRule, options: RuleOptions = {}): FieldRule {
  return makeRule('list', { ...options, item: item.id }, (value) => {
    const items = itemsOf(value, item)
    return items && `a${items.length}[${items.join('')}]`
  })
}

/** A list whose items are read by a rule; neither their order counts, nor how often one is there. */
export function set(item: FieldRule, options: RuleOptions = {}): FieldRule {
  return makeRule('set', { ...options, item: item.id }, (value) => {
    const items = itemsOf(value, item)
    if (items === undefined) return undefined
    const unique = [...new Set(items)].sort()
    return `a${unique.length}[${unique.join('')}]`
  })
}

const ITEMS_MAX = 10_000

function itemsOf(value: unknown, item: FieldRule): readonly string[] | undefined {
  if (!Array.isArray(value) || value.length > ITEMS_MAX) return undefined
  const items = value.map((one) => item.canonical(one === undefined ? null : one))
  return items.every((one) => one !== undefined) ? items : undefined
}

/** Numbers that agree when they are no further apart: `within('0.01', decimal({ scale: 4 }))`. Held against each other only
 *  where their fingerprints differ, and both systems are read: what the app reports is compared exactly.
 *  @throws TypeError for a tolerance that is no number above nothing */
export function within(tolerance: string, rule: FieldRule): FieldRule {
  const most = plainDecimal(tolerance)
  if (most === undefined || most.startsWith('-') || most === '0') {
    throw new TypeError(`within: '${tolerance}' is no tolerance; write a number such as '0.01'`)
  }
  const { id } = makeRule('within', { rule: rule.id, tolerance: most }, () => undefined)
  return {
    kind: 'within',
    id,
    canonical: (value) => rule.canonical(value),
    agrees(a, b) {
      if (rule.canonical(a) === undefined || rule.canonical(b) === undefined) return false
      const [one, other] = [numberText(a), numberText(b)]
      if (one === undefined || other === undefined) return false
      const scale = Math.max(digitsOf(one), digitsOf(other), digitsOf(most))
      const apart = scaled(one, scale) - scaled(other, scale)
      return (apart < 0n ? -apart : apart) <= scaled(most, scale)
    },
  }
}

function digitsOf(plain: string): number {
  return plain.split('.')[1]?.length ?? 0
}

/** As a whole number of the last of so many digits after the point. */
function scaled(plain: string, digits: number): bigint {
  const [whole = '0', fraction = ''] = plain.split('.')
  return BigInt(whole + fraction.padEnd(digits, '0'))
}
