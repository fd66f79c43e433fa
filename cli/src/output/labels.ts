/** Short names, given in the order of first use. */
export class Labels {
  readonly #labels = new Map<string, string>()
  readonly #name: (index: number) => string

  constructor(name: (index: number) => string) {
    this.#name = name
  }

  of(id: string): string {
    const label = this.#labels.get(id) ?? this.#name(this.#labels.size)
    this.#labels.set(id, label)
    return label
  }

  get all(): readonly (readonly [id: string, label: string])[] {
    return [...this.#labels]
  }
}

/** A … Z, AA, AB … */
export function letters(index: number): string {
  const last = String.fromCharCode(65 + (index % 26))
  return index < 26 ? last : letters(Math.floor(index / 26) - 1) + last
}
