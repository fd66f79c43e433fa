import { hash } from 'node:crypto'
import {
  CANONICAL_ABSENT,
  CANONICAL_NULL,
  canonicalBoolean,
  canonicalDecimal,
  canonicalInstant,
  canonicalText,
  canonicalValue,
  plainDecimal,
} from './canonical-value.ts'

/** How one field's value becomes canonical, the same in the app, in a row and in a JSON reply. */
export interface FieldRule {
  readonly kind: string
  /** Version of the rule: changes with its kind and its options, so that fingerprints made by another rule
   *  are incomparable, never different. `auto` for the rule of a field that has none. */
  readonly id: string
  /** The canonical text; undefined where the value cannot be read by this rule. */
  canonical(value: unknown): string | undefined
  /** Whether two values with unlike canonical texts still agree. It needs both of them, so it is asked where both systems
   *  are read, and never of fingerprints. Absent on most. */
  readonly agrees?: (a: unknown, b: unknown) => boolean
}

/** Field name to rule. Made by `defineFields`; fields it does not name are compared by their type. */
export type FieldRules = Readonly<Record<string, FieldRule>>

export interface RuleOptions {
  /** Treat a field that is not there as null. Default false: absent and null differ. */
  readonly absentIsNull?: boolean
}

export interface TextOptions extends RuleOptions {
  readonly case?: 'lower' | 'upper'
  readonly trim?: boolean
}

export interface InstantOptions extends RuleOptions {
  /** Finer digits are cut off, or rounded. Default `ms`. */
  readonly precision?: 's' | 'ms' | 'us'
  /** A half goes up, later in time. Default `truncate`. */
  readonly rounding?: 'truncate' | 'half-up'
}

export interface DecimalOptions extends RuleOptions {
  /** Digits after the point; more digits are unreadable rather than rounded. */
  readonly scale: number
}

/** Declares the fields of an entity type, shared by app and reconciler.
 *  @throws TypeError where a value is not a rule */
export function defineFields<const T extends FieldRules>(rules: T): T {
  for (const [name, rule] of Object.entries(rules)) {
    if (typeof rule?.canonical !== 'function') {
      throw new TypeError(`defineFields: '${name}' is no field rule`)
    }
  }
  return rules
}

/** Values as they are: the rule of every field that is not declared. */
export const auto: FieldRule = { kind: 'auto', id: 'auto', canonical: canonicalValue }

/** The field is neither reported nor compared. */
export function ignore(): FieldRule {
  return makeRule('ignore', {}, () => undefined)
}

export function isIgnored(rule: FieldRule): boolean {
  return rule.kind === 'ignore'
}

/** Text, compared in NFC. */
export function text(options: TextOptions = {}): FieldRule {
  return makeRule('text', options, (value) => {
    if (typeof value !== 'string') return undefined
    const trimmed = options.trim ? value.trim() : value
    const inCase = options.case && (options.case === 'lower' ? trimmed.toLowerCase() : trimmed.toUpperCase())
    return canonicalText(inCase ?? trimmed)
  })
}

/** Whole numbers of any size: JS numbers, bigints and decimal text alike. */
export function integer(options: RuleOptions = {}): FieldRule {
  return number('integer', options, 0)
}

/** Decimals, never by way of a JS number where the system sends text. */
export function decimal(options: DecimalOptions): FieldRule {
  return number('decimal', options, options.scale)
}

function number(kind: string, options: RuleOptions | DecimalOptions, scale: number): FieldRule {
  return makeRule(kind, options, (value) => {
    const plain = numberText(value)
    if (plain === undefined || (plain.split('.')[1] ?? '').length > scale) return undefined
    return canonicalDecimal(plain)
  })
}

/** Points in time: Date, RFC 3339 text with any offset, or a PostgreSQL timestamptz text. */
export function instant(options: InstantOptions = {}): FieldRule {
  const unit = { s: 1_000_000n, ms: 1_000n, us: 1n }[options.precision ?? 'ms']
  return makeRule('instant', options, (value) => {
    const us = toEpochUs(value)
    if (us === undefined) return undefined
    const at = options.rounding === 'half-up' ? us + unit / 2n : us
    return canonicalInstant(at - (((at % unit) + unit) % unit))
  })
}

/** `true`, `false`, nothing else. */
export function boolean(options: RuleOptions = {}): FieldRule {
  return makeRule('boolean', options, (value) =>
    typeof value === 'boolean' ? canonicalBoolean(value) : undefined,
  )
}

/** Names that differ between systems: `map({ A: 'active', H: 'hired' })` makes `'A'` equal `'active'`. */
export function map(names: Readonly<Record<string, string>>, options: RuleOptions = {}): FieldRule {
  const table = new Map(Object.entries(names))
  return makeRule('map', { ...options, names: [...table].sort() }, (value) =>
    typeof value === 'string' ? canonicalText(table.get(value) ?? value) : undefined,
  )
}

/** Structured values, compared member by member whatever the order of their keys. */
export function json(options: RuleOptions = {}): FieldRule {
  return makeRule('json', options, canonicalValue)
}

/** The canonical text of one field of a record under its rule, `auto` where none is declared. */
export function canonicalField(
  rules: FieldRules,
  field: string,
  value: unknown,
): { canonical: string | undefined; ruleId: string } {
  const rule = Object.hasOwn(rules, field) ? (rules[field] ?? auto) : auto
  return { canonical: rule.canonical(value), ruleId: rule.id }
}

/** @param options what the rule's version is made of, beside its kind */
export function makeRule(
  kind: string,
  options: RuleOptions | TextOptions | InstantOptions | DecimalOptions | Readonly<Record<string, unknown>>,
  canonical: (value: unknown) => string | undefined,
): FieldRule {
  const id = hash('sha256', `${kind}\n${canonicalValue(options)}`, 'hex').slice(0, 8)
  return {
    kind,
    id,
    canonical(value) {
      if (value === null) return CANONICAL_NULL
      if (value === undefined) return options.absentIsNull ? CANONICAL_NULL : CANONICAL_ABSENT
      return canonical(value)
    },
  }
}

/** The plain decimal of a value that is a number or spells one. */
export function numberText(value: unknown): string | undefined {
  return typeof value === 'number' || typeof value === 'bigint' || typeof value === 'string'
    ? plainDecimal(value)
    : undefined
}

const INSTANT = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}(?::?\d{2})?)$/

function toEpochUs(value: unknown): bigint | undefined {
  if (value instanceof Date)
    return Number.isNaN(value.getTime()) ? undefined : BigInt(value.getTime()) * 1000n
  if (typeof value !== 'string') return undefined
  const match = INSTANT.exec(value)
  if (!match) return undefined
  const [, date = '', time, fraction = '', zone = 'Z'] = match
  const offset = zone === 'Z' ? zone : `${zone.slice(0, 3)}:${zone.slice(3).replace(':', '') || '00'}`
  const ms = Date.parse(`${date}T${time}${offset}`)
  if (Number.isNaN(ms) || (date.slice(8) > '28' && !isCalendarDay(date))) return undefined
  return BigInt(ms) * 1000n + BigInt(fraction.padEnd(6, '0').slice(0, 6))
}

/** Date.parse takes the 30th of February for the 2nd of March. */
export function isCalendarDay(date: string): boolean {
  // null for what is no date at all
  return new Date(date).toJSON()?.startsWith(date) ?? false
}
