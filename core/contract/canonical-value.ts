import { limits } from './limits.ts'

/** The canonical text of a value, or undefined where it has none that could be trusted: a cycle, a getter
 *  that throws, a number past 2^53, a symbol, a function, more than `limits.canonicalLengthMax` characters.
 *
 *  The encoding is injective: every part carries its type and its length, so `null`, `'null'`, `''`, `0`,
 *  `'0'`, `false` and an absent field all differ, and so do `['p|q', 'r']` and `['p', 'q|r']`. A Date and a
 *  string that spells the same instant differ too: making them equal is a field rule's work (fields.ts). */
export function canonicalValue(value: unknown): string | undefined {
  try {
    return encode(value, 0, { left: limits.canonicalLengthMax })
  } catch {
    // a hostile record (getter, Proxy, cycle) must cost the field, never the caller
    return undefined
  }
}

export const CANONICAL_ABSENT = 'u'
export const CANONICAL_NULL = 'n'

export function canonicalText(text: string): string {
  // a lone surrogate has no UTF-8: drivers, and the hash itself, turn it into U+FFFD
  const normal = text.toWellFormed().normalize('NFC')
  return `s${normal.length}:${normal}`
}

/** `digits` is a plain decimal: no exponent, no leading zeros, no trailing fraction zeros, no `-0`. */
export function canonicalDecimal(digits: string): string {
  return `d${digits.length}:${digits}`
}

export function canonicalBoolean(value: boolean): string {
  return value ? 't' : 'f'
}

/** Microseconds since 1970, UTC. */
export function canonicalInstant(epochUs: bigint): string {
  return `i${epochUs}`
}

/** The plain decimal that a JS number or a decimal text stands for; undefined where it is not exact or not
 *  a number. `'1.50'`, `1.5` and `'15e-1'` are all `1.5`. */
export function plainDecimal(value: number | bigint | string): string | undefined {
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'number') {
    if (!Number.isFinite(value) || Math.abs(value) > Number.MAX_SAFE_INTEGER) return undefined
    // a whole number of this size is spelled in plain digits, -0 as 0
    return Number.isInteger(value) ? String(value) : expand(String(value))
  }
  return expand(value.trim())
}

const DECIMAL = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?$/
const EXPONENT_MAX = 1_000

function expand(text: string): string | undefined {
  const match = DECIMAL.exec(text)
  if (!match) return undefined
  const [, sign = '', whole = '', fraction = '', exponentText = '0'] = match
  if (whole === '' && fraction === '') return undefined
  const exponent = Number(exponentText)
  if (Math.abs(exponent) > EXPONENT_MAX) return undefined
  const digits = whole + fraction
  const point = whole.length + exponent
  const padded = point <= 0 ? '0'.repeat(1 - point) + digits : digits.padEnd(point, '0')
  const at = Math.max(point, 1)
  const integerPart = padded.slice(0, at).replace(/^0+(?=\d)/, '')
  const fractionPart = padded.slice(at).replace(/0+$/, '')
  const plain = fractionPart === '' ? integerPart : `${integerPart}.${fractionPart}`
  return plain !== '0' && sign === '-' ? `-${plain}` : plain
}

const DEPTH_MAX = limits.depthMax

/** Never leaves this file. Made once: the stack of an error costs more than all the rest of a value that has no form. */
const NO_FORM = new TypeError('no canonical value')

/** Characters that may still be encoded. Without it a small value that shares its parts (`[x, x]`, 30 times
 *  nested) would spell gigabytes and block the host. */
interface Budget {
  left: number
}

function encode(value: unknown, depth: number, budget: Budget): string {
  // or a cycle
  if (depth > DEPTH_MAX) throw NO_FORM
  if (typeof value !== 'object' || value === null) {
    const text = encodeScalar(value)
    spend(budget, text.length)
    return text
  }
  return encodeObject(value, depth, budget)
}

function encodeScalar(value: unknown): string {
  switch (typeof value) {
    case 'string':
      if (value.length > limits.canonicalLengthMax) throw NO_FORM
      return canonicalText(value)
    case 'number':
    case 'bigint': {
      const plain = plainDecimal(value)
      if (plain === undefined) throw NO_FORM
      return canonicalDecimal(plain)
    }
    case 'boolean':
      return canonicalBoolean(value)
    case 'undefined':
      return CANONICAL_ABSENT
    case 'object':
      return CANONICAL_NULL
    default:
      // a symbol, a function
      throw NO_FORM
  }
}

function encodeObject(value: object, depth: number, budget: Budget): string {
  if (value instanceof Date) {
    const ms = value.getTime()
    if (Number.isNaN(ms)) throw NO_FORM
    return canonicalInstant(BigInt(ms) * 1000n)
  }
  if (value instanceof Uint8Array) {
    spend(budget, Math.ceil(value.byteLength / 3) * 4)
    const base64 = Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')
    return `b${base64.length}:${base64}`
  }
  if (Array.isArray(value)) {
    spend(budget, value.length + 3)
    // Array.from, not map: a hole must become null at its place, as in JSON
    const items = Array.from(value, (item) => encode(item === undefined ? null : item, depth + 1, budget))
    return `a${items.length}[${items.join('')}]`
  }
  const prototype = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) {
    // as JSON would carry it; a Map, a Set or a class without toJSON has no agreed form
    const json = (value as { toJSON?: unknown }).toJSON
    if (typeof json !== 'function') throw NO_FORM
    return encode(json.call(value), depth + 1, budget)
  }
  return encodeRecord(value as Record<string, unknown>, depth, budget)
}

function encodeRecord(record: Record<string, unknown>, depth: number, budget: Budget): string {
  // sorted by the normalized names, or two spellings of one record would get two texts
  const entries = Object.entries(record)
    .filter(([, member]) => member !== undefined)
    .map(([name, member]) => [canonicalText(name), name.normalize('NFC'), member] as const)
    .sort(([, a], [, b]) => byCodeUnit(a, b))
  spend(budget, 3)
  let previous: string | undefined
  const texts = entries.map(([text, , member]) => {
    // two members have the same name in NFC
    if (text === previous) throw NO_FORM
    previous = text
    spend(budget, text.length)
    return text + encode(member, depth + 1, budget)
  })
  return `o${texts.length}{${texts.join('')}}`
}

function spend(budget: Budget, length: number): void {
  budget.left -= length
  if (budget.left < 0) throw NO_FORM
}

function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
