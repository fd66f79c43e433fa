import { expect } from 'vitest'
import { type Check, isSkipped, type Look } from '../check.ts'

/** State and sentence of each, and that what is no pass says what to do. */
export function said(looks: readonly Look[]): string[] {
  return looks.map((look) => {
    if (isSkipped(look)) return `not looked at: ${look.why}`
    const { state, what, mend }: Check = look
    expect(mend !== undefined).toBe(state !== 'pass')
    return `${state}: ${what}`
  })
}
