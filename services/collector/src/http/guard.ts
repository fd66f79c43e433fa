import { limits } from '@syncproof/core/contract'
import { collectorLimits } from '../limits.ts'

/** What is wrong with a value, and where in it. */
export interface Hostile {
  readonly path: readonly (string | number)[]
  readonly message: string
}

interface Frame {
  readonly value: object
  readonly key: string | number
  readonly parent: Frame | undefined
  readonly depth: number
}

/** Looks in a parsed JSON value for what breaks a program behind it: nesting that overflows its stack, keys that
 *  reach a prototype, text that PostgreSQL refuses (NUL, half a surrogate pair), numbers that JSON.parse has
 *  already changed, more text or members than an event may have. Walks with a stack of its own: recursion is
 *  what a deep body attacks. Undefined where there is nothing. */
export function findHostile(root: unknown): Hostile | undefined {
  const message = hostileScalar(root)
  if (message !== undefined) return { path: [], message }
  if (typeof root !== 'object' || root === null) return undefined
  const stack: Frame[] = [{ value: root, key: '', parent: undefined, depth: 1 }]
  let values = 1
  for (let frame = stack.pop(); frame !== undefined; frame = stack.pop()) {
    if (frame.depth > limits.depthMax) {
      return hostileAt(frame, `must not be nested deeper than ${limits.depthMax} levels`)
    }
    const isLong = Array.isArray(frame.value) && frame.value.length > collectorLimits.valuesPerEventMax
    // Object.keys spells out every index: not of an array that is refused for its length anyway
    const keys = isLong ? [] : Object.keys(frame.value)
    values += keys.length
    if (isLong || values > collectorLimits.valuesPerEventMax) {
      return hostileAt(frame, `must not hold more than ${collectorLimits.valuesPerEventMax} values`)
    }
    const found = hostileMember(frame, keys, stack)
    if (found !== undefined) return found
  }
  return undefined
}

function hostileMember(frame: Frame, keys: readonly string[], stack: Frame[]): Hostile | undefined {
  const isArray = Array.isArray(frame.value)
  if (!isArray && keys.length > limits.fieldsPerEventMax) {
    return hostileAt(frame, `must not have more than ${limits.fieldsPerEventMax} members`)
  }
  for (const key of keys) {
    const child: unknown = (frame.value as Record<string, unknown>)[key]
    if (!isArray) {
      const message = hostileKey(key, child)
      if (message !== undefined) return hostileAt(frame, message)
    }
    if (typeof child === 'object' && child !== null) {
      stack.push({ value: child, key, parent: frame, depth: frame.depth + 1 })
      continue
    }
    const message = hostileScalar(child)
    if (message !== undefined) return hostileAt({ value: frame.value, key, parent: frame, depth: 0 }, message)
  }
  return undefined
}

function hostileKey(key: string, child: unknown): string | undefined {
  // an own member: JSON.parse makes one, and whoever copies the object by assignment sets the prototype
  if (key === '__proto__') return 'must not have a member named __proto__'
  if (
    key === 'constructor' &&
    typeof child === 'object' &&
    child !== null &&
    Object.hasOwn(child, 'prototype')
  ) {
    return 'must not have a member named constructor that has one named prototype'
  }
  const message = hostileText(key)
  return message === undefined ? undefined : `has a member whose name ${message}`
}

function hostileScalar(value: unknown): string | undefined {
  if (typeof value === 'string') return hostileText(value)
  if (typeof value === 'number' && !(Math.abs(value) <= Number.MAX_SAFE_INTEGER)) {
    return 'must be a number within ±(2^53 - 1): larger ones are sent as text'
  }
  return undefined
}

function hostileText(text: string): string | undefined {
  if (text.length > limits.stringLengthMax)
    return `must not be longer than ${limits.stringLengthMax} characters`
  if (text.includes('\0')) return 'must not contain the character NUL'
  if (!text.isWellFormed()) return 'must be whole Unicode text: it holds half of a surrogate pair'
  return undefined
}

function hostileAt(frame: Frame, message: string): Hostile {
  const path: (string | number)[] = []
  for (let at: Frame = frame; at.parent !== undefined; at = at.parent) path.push(at.key)
  return { path: path.reverse(), message }
}
