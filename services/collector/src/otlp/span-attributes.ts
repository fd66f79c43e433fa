import { type AttributeValue, isJson, listOf, readValue } from './otlp-span.ts'

const PREFIX = 'syncproof.'

/** The `syncproof.*` attributes of one span. Each is read by its name without the prefix; the first thing that is wrong
 *  with any of them is kept in `problem`, so that whoever reads them need not look after each. */
export class SpanAttributes {
  /** Which attribute is wrong, and what it must be. */
  problem: string | undefined
  readonly #values = new Map<string, AttributeValue | undefined>()
  readonly #unread: Set<string>

  constructor(attributes: unknown) {
    for (const attribute of listOf(attributes) ?? []) {
      if (!isJson(attribute) || typeof attribute.key !== 'string' || !attribute.key.startsWith(PREFIX))
        continue
      this.#values.set(attribute.key.slice(PREFIX.length), readValue(attribute.value))
    }
    this.#unread = new Set(this.#values.keys())
  }

  get isEmpty(): boolean {
    return this.#values.size === 0
  }

  has(name: string): boolean {
    return this.#values.has(name)
  }

  /** Whole numbers are taken as their digits: ids and versions are often numbers. */
  text(name: string): string | undefined {
    const value = this.#read(name)
    if (typeof value === 'string' && value !== '') return value
    if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value)
    return this.#refuse(name, 'must be a text that is not empty')
  }

  required(name: string): string {
    if (!this.#values.has(name)) this.#refuse(name, 'is missing', true)
    return this.text(name) ?? ''
  }

  flag(name: string): boolean | undefined {
    const value = this.#read(name)
    return typeof value === 'boolean' ? value : this.#refuse(name, 'must be true or false')
  }

  /** A whole number, not negative. */
  count(name: string): number | undefined {
    const value = this.#read(name)
    return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
      ? value
      : this.#refuse(name, 'must be a whole number, not negative')
  }

  choice<T extends string>(name: string, choices: readonly T[]): T | undefined {
    const value = this.#read(name)
    const choice = choices.find((one) => one === value)
    return choice ?? this.#refuse(name, `must be one of ${choices.join(', ')}`)
  }

  texts(name: string): readonly string[] | undefined {
    const value = this.#read(name)
    if (Array.isArray(value) && value.every((text) => text !== '')) return value
    return this.#refuse(name, 'must be a list of texts')
  }

  /** All whose name begins with `name` and a dot, by the rest of it. */
  members<T extends string>(
    name: string,
    fits: (value: string) => value is T,
    must: string,
  ): Readonly<Record<string, T>> | undefined {
    const own = [...this.#values].filter(([key]) => key.startsWith(`${name}.`))
    const members = own.flatMap(([key, value]): [string, T][] => {
      this.#unread.delete(key)
      if (typeof value === 'string' && fits(value)) return [[key.slice(name.length + 1), value]]
      this.#refuse(key, must)
      return []
    })
    return own.length === 0 ? undefined : Object.fromEntries(members)
  }

  /** Says of attributes that nobody has read that they are not known: one that is misspelled may be what takes a
   *  claim away. */
  refuseUnread(): void {
    for (const name of this.#unread) this.#refuse(name, 'is not known here, or not for this kind of span')
  }

  #read(name: string): AttributeValue | undefined {
    this.#unread.delete(name)
    return this.#values.get(name)
  }

  /** Nothing is wrong with an attribute that is not there. */
  #refuse(name: string, must: string, isMissing = false): undefined {
    if (isMissing || this.#values.has(name)) this.problem ??= `${PREFIX}${name} ${must}`
  }
}
