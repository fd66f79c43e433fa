import { type FieldRule, limits, plainDecimal } from '@syncproof/core/contract'

const NODES_MAX = 2_000
const DEPTH_MAX = 16
const TEXT_LENGTH_MAX = 64 * 1024
/** So many are looked through sooner than their forms are made. */
const FEW_LEAVES = 32

type Leaf = string | number | bigint | boolean | null | Date

/** The values anywhere in a caller's arguments, as they were at the moment of the call: an app may change or
 *  empty the objects later. Where not all of them could be seen, every value counts as supplied: a class
 *  instance or a function may hold any value, and a getter is not called for its side effects. */
export class SuppliedValues {
  readonly #leaves: Leaf[] = []
  readonly #opaque: boolean
  #forms: Set<Form> | undefined
  #canonicals: Map<FieldRule, Set<string | undefined>> | undefined

  constructor(callerArguments: readonly unknown[]) {
    this.#opaque = !collectLeaves(callerArguments, this.#leaves)
  }

  /** Whether the caller may have supplied this value. Compared more loosely than by canonical values, so that
   *  one which the app only trimmed or parsed is not taken for one which it computed. */
  has(value: unknown, rule: FieldRule): boolean {
    if (this.#opaque) return true
    if (this.#leaves.length <= FEW_LEAVES && this.#leaves.includes(value as Leaf)) return true
    const leaves: Leaf[] = []
    // a structured value counts as supplied where all its parts are
    if (typeof value === 'string') leaves.push(value)
    else if (!collectLeaves([value], leaves)) return true
    this.#forms ??= new Set(this.#leaves.flatMap(formsOf))
    for (const leaf of leaves) if (!this.#hasForm(leaf, this.#forms)) return this.#hasByRule(value, rule)
    return true
  }

  #hasForm(leaf: Leaf, forms: ReadonlySet<Form>): boolean {
    for (const form of formsOf(leaf)) if (forms.has(form)) return true
    return false
  }

  #hasByRule(value: unknown, rule: FieldRule): boolean {
    if (rule.kind === 'auto') return false
    const canonical = rule.canonical(value)
    if (canonical === undefined) return false
    this.#canonicals ??= new Map()
    let known = this.#canonicals.get(rule)
    if (!known) {
      known = new Set(this.#leaves.map((leaf) => rule.canonical(leaf)))
      this.#canonicals.set(rule, known)
    }
    return known.has(canonical)
  }
}

/** @returns false where something could not be seen whole */
function collectLeaves(roots: readonly unknown[], leaves: Leaf[]): boolean {
  const walk: Walk = { leaves, seen: undefined, nodes: 0 }
  try {
    return roots.every((root) => visit(root, 1, walk))
  } catch {
    // a Proxy that throws
    return false
  }
}

interface Walk {
  readonly leaves: Leaf[]
  seen: Set<object> | undefined
  nodes: number
}

function visit(value: unknown, depth: number, walk: Walk): boolean {
  walk.nodes += 1
  if (walk.nodes > NODES_MAX || depth > DEPTH_MAX) return false
  switch (typeof value) {
    case 'string':
      walk.leaves.push(value)
      return value.length <= TEXT_LENGTH_MAX
    case 'number':
    case 'bigint':
    case 'boolean':
      walk.leaves.push(value)
      return true
    case 'undefined':
      walk.leaves.push(null)
      return true
    case 'object':
      if (value !== null) return visitObject(value, depth, walk)
      walk.leaves.push(null)
      return true
    default:
      return false
  }
}

function visitObject(value: object, depth: number, walk: Walk): boolean {
  walk.seen ??= new Set()
  if (walk.seen.has(value)) return true
  walk.seen.add(value)
  if (value instanceof Date) {
    walk.leaves.push(new Date(value.getTime()))
    return true
  }
  if (value instanceof Uint8Array) {
    if (value.byteLength > TEXT_LENGTH_MAX) return false
    walk.leaves.push(Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64'))
    return true
  }
  if (value instanceof Map || value instanceof Set) {
    // for a Set the key is the value
    for (const [key, member] of value.entries()) {
      if (!visit(key, depth + 1, walk) || !visit(member, depth + 1, walk)) return false
    }
    return true
  }
  return (Array.isArray(value) || holdsDataOnly(value)) && visitMembers(value, depth, walk)
}

/** A plain object, or an instance of a class that has neither methods nor accessors, as DTOs are. What methods
 *  could hand out is not seen. */
function holdsDataOnly(value: object): boolean {
  let prototype: unknown = Object.getPrototypeOf(value)
  while (typeof prototype === 'object' && prototype !== null && prototype !== Object.prototype) {
    if (Reflect.ownKeys(prototype).some((name) => name !== 'constructor')) return false
    prototype = Object.getPrototypeOf(prototype)
  }
  return true
}

function visitMembers(value: object, depth: number, walk: Walk): boolean {
  // the names alone of a very long list take a while
  if (Array.isArray(value) && value.length > NODES_MAX) return false
  for (const name of Object.keys(value)) {
    const descriptor = Object.getOwnPropertyDescriptor(value, name)
    if (!descriptor || !('value' in descriptor)) return false
    // an app may store what the caller used as a name: { hired: true } → stage = 'hired'
    if (!Array.isArray(value)) walk.leaves.push(name)
    if (!visit(descriptor.value, depth + 1, walk)) return false
  }
  return true
}

const INSTANT = /^\d{4}-\d{2}-\d{2}([T ][\d:.]+.*)?$/

/** Text as it is, which begins with no space; points in time as numbers; others with a space before. */
type Form = string | number

function formsOf(leaf: Leaf): readonly Form[] {
  if (leaf === null) return [' null']
  if (leaf instanceof Date) return [leaf.getTime()]
  if (typeof leaf === 'boolean') return [`${leaf}`]
  // a number may stand for a point in time, in seconds or milliseconds
  if (typeof leaf === 'number') return [...decimalForm(leaf), leaf, leaf * 1000]
  if (typeof leaf === 'bigint' || leaf.length > limits.stringLengthMax)
    return [`${leaf}`, ...decimalForm(leaf)]
  const text = leaf.normalize('NFC').trim()
  const forms: Form[] = [text.toLowerCase()]
  // neither a number nor a date begins with a letter
  if (text.charCodeAt(0) > NINE) return forms
  const instant = INSTANT.test(text) ? Date.parse(text) : Number.NaN
  if (!Number.isNaN(instant)) forms.push(instant)
  return [...forms, ...decimalForm(leaf)]
}

const NINE = '9'.charCodeAt(0)

function decimalForm(leaf: string | number | bigint): Form[] {
  const plain = plainDecimal(leaf)
  return plain === undefined ? [] : [` ${plain}`]
}
