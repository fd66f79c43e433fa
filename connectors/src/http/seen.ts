import { hash } from 'node:crypto'

const SLOTS_AT_FIRST = 1 << 12
const LOAD_MAX = 0.5
const WORDS = 4

/** Remembers keys with a digest of what came with each, in 16 bytes an entry and 32 to 64 with the room to
 *  grow: a Map of a million records takes several times that. Two keys share a slot's 64 bits once in ten
 *  million listings of a million; that shows as a duplicate, never as a record that is missed. */
export class Seen {
  count = 0
  #slots = new Uint32Array(SLOTS_AT_FIRST * WORDS)

  /** @returns whether the key is new, came before with the same content, or with other content */
  add(key: string, content: string): 'new' | 'same' | 'different' {
    if (this.count >= (this.#slots.length / WORDS) * LOAD_MAX) this.#grow()
    const entry = [...digest(key), ...digest(content)]
    const at = find(this.#slots, entry)
    if (this.#slots[at] === 0) {
      this.#slots.set(entry, at)
      this.count += 1
      return 'new'
    }
    return this.#slots[at + 2] === entry[2] && this.#slots[at + 3] === entry[3] ? 'same' : 'different'
  }

  #grow(): void {
    const old = this.#slots
    this.#slots = new Uint32Array(old.length * 2)
    for (let at = 0; at < old.length; at += WORDS) {
      if (old[at] === 0) continue
      const entry = old.subarray(at, at + WORDS)
      this.#slots.set(entry, find(this.#slots, entry))
    }
  }
}

/** Where the entry's key is, or the free slot where it belongs. */
function find(slots: Uint32Array, entry: ArrayLike<number>): number {
  const mask = slots.length / WORDS - 1
  for (let slot = (entry[1] ?? 0) & mask; ; slot = (slot + 1) & mask) {
    const at = slot * WORDS
    if (slots[at] === 0 || (slots[at] === entry[0] && slots[at + 1] === entry[1])) return at
  }
}

/** 64 bits of SHA-256; the first word is never 0, which marks a free slot. */
function digest(text: string): [number, number] {
  const bytes = hash('sha256', text, 'buffer')
  return [bytes.readUInt32LE(0) || 1, bytes.readUInt32LE(4)]
}
