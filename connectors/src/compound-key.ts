import { type MemberRule, someText } from './members.ts'

/** One member, or several that identify a record together. */
export type KeyNames = string | readonly string[]

export function keyNames(key: KeyNames): readonly string[] {
  return typeof key === 'string' ? [key] : key
}

/** One text for the parts of a key: joined by `/`, with `\` before every `/` and `\` of a part. No two keys have the same
 *  text. The app that reports events of such an entity spells its id alike. */
export function joinKey(parts: readonly string[]): string {
  return parts.length === 1
    ? (parts[0] ?? '')
    : parts.map((part) => part.replaceAll(/[\\/]/g, '\\$&')).join('/')
}

/** The parts of a key of `count` parts; undefined where the text is none. */
export function splitKey(key: string, count: number): readonly string[] | undefined {
  if (count === 1) return [key]
  const parts = ['']
  const add = (text: string) => parts.push((parts.pop() ?? '') + text)
  for (let at = 0; at < key.length; at += 1) {
    if (key[at] === '/') {
      parts.push('')
      continue
    }
    if (key[at] === '\\') {
      at += 1
      if (key[at] !== '\\' && key[at] !== '/') return undefined
    }
    add(key[at] ?? '')
  }
  return parts.length === count ? parts : undefined
}

/** @param each what one name must be */
export function keyRule(each: MemberRule = someText): MemberRule {
  return {
    check(value) {
      if (!Array.isArray(value)) return each.check(value)
      if (value.length === 0) return 'must name at least one member.'
      for (const name of value) {
        const wrong = each.check(name)
        if (wrong) return `names one that ${wrong}`
      }
      return new Set(value).size === value.length ? undefined : 'names one twice.'
    },
  }
}
