/** Names and texts, such as the fingerprints of a record, that spell their JSON once however many events carry them.
 *  It has no prototype, so that a member called `constructor` is there only where it was put. An object made by
 *  `Object.create(null)` would have none either, but is kept and read several times slower. Members must not change
 *  once an event carries it. */
export class TextMap {
  [name: string]: string
  #json: string | undefined

  static of<T extends object>(members: T): T {
    return Object.assign(new TextMap(), members) as TextMap & T
  }

  /** Where who fills the map spells it on the way. */
  static spelled(map: TextMap, json: string): TextMap {
    map.#json = json
    return map
  }

  /** The JSON of a map; undefined for any other object. */
  static jsonOf(value: object): string | undefined {
    if (!(#json in value)) return undefined
    value.#json ??= spell(value)
    return value.#json
  }
}
Object.setPrototypeOf(TextMap.prototype, null)
Reflect.deleteProperty(TextMap.prototype, 'constructor')

/** JSON of what an event's member holds: text, numbers, booleans, lists and plain objects of them; null for anything
 *  else, which an option of the wrong type may have brought. Undefined members are left out. Several times faster than
 *  `JSON.stringify`, which spells everything anew. */
export function jsonOf(value: unknown): string {
  if (typeof value === 'string') return quote(value)
  // NaN and the infinities are none
  if (typeof value === 'number') return Number.isFinite(value) ? `${value}` : 'null'
  if (typeof value !== 'object' || value === null) return typeof value === 'boolean' ? `${value}` : 'null'
  if (Array.isArray(value)) return listJson(value)
  return TextMap.jsonOf(value) ?? spell(value)
}

function listJson(list: readonly unknown[]): string {
  let json = ''
  // a hole is undefined, and that is null
  for (const item of list) json += `,${jsonOf(item)}`
  return `[${json.slice(1)}]`
}

function spell(object: object): string {
  const json = jsonOfMembers(object)
  return `{${json.slice(1)}}`
}

/** The members of an object with a comma before each. */
export function jsonOfMembers(object: object): string {
  let json = ''
  // not `in`: what somebody has put on Object.prototype is no member
  for (const name of Object.keys(object)) {
    const value = (object as Readonly<Record<string, unknown>>)[name]
    if (value !== undefined) json += jsonOfName(name) + jsonOf(value)
  }
  return json
}

/** `,"name":` */
export function jsonOfName(name: string): string {
  return `,${labelJson(name)}:`
}

/** Most names are those of columns and members of the contract, and come with every event. */
const labels = new Map<string, string>()
const LABELS_MAX = 1_024

/** Of a text that comes from code or configuration, such as the name of a system or a column. */
export function labelJson(label: string): string {
  const known = labels.get(label)
  if (known) return known
  const spelled = quote(label)
  if (labels.size < LABELS_MAX) labels.set(label, spelled)
  return spelled
}

/** Printable ASCII without quotation marks and backslashes is spelled as it is. */
const PLAIN = /^[ !#-[\]-~]*$/

function quote(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : (JSON.stringify(text) ?? 'null')
}
