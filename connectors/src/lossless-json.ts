import { plainDecimal } from '@syncproof/core/contract'

/** A number that could lose something: 16 digits or more, or an exponent. The rest has at most 15 significant
 *  digits, which a JS number always keeps. Text that looks like one only costs the slower way. */
const RISKY_NUMBER = /(?:^|[:[,\s])-?(?:[\d.]{16,}|[\d.]+[eE])/

/** JSON.parse that never changes a number: one that a JS number would change becomes its decimal text, which
 *  field rules for numbers read like a number. @throws SyntaxError, RangeError as JSON.parse does */
export function parseLosslessly(text: string): unknown {
  return RISKY_NUMBER.test(text) ? JSON.parse(text, keepDigits) : JSON.parse(text)
}

function keepDigits(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || context?.source === undefined) return value
  const written = plainDecimal(context.source)
  return written !== undefined && written === plainDecimal(value) ? value : (written ?? context.source)
}
