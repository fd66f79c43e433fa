import type { ProcessBooks } from '@syncproof/core/contract'

/** `sampled`: the call was left out, as `sampleRate` wants it. `internal`: a fault of ours. */
export type DropReason = 'queue_full' | 'too_large' | 'rejected' | 'sampled' | 'internal'

/** What `flush` resolves with, counted since the start: `sent + dropped + pending` is all that was produced. */
export interface Delivery {
  /** The collector has acknowledged it. */
  readonly sent: number
  readonly dropped: number
  /** Still waiting here. */
  readonly pending: number
}

/** Counts every event of this process, so that what is missing at the other end can be seen. */
export class Books {
  #produced = 0
  #sent = 0
  readonly #dropped = new Map<DropReason, number>()

  /** @returns the next sequence number */
  produce(): number {
    this.#produced += 1
    return this.#produced - 1
  }

  send(count: number): void {
    this.#sent += count
  }

  drop(reason: DropReason, count: number): void {
    if (count > 0) this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + count)
  }

  get produced(): number {
    return this.#produced
  }

  get settled(): number {
    return this.#sent + this.#droppedTotal()
  }

  report(): ProcessBooks {
    return { produced: this.#produced, dropped: Object.fromEntries(this.#dropped) }
  }

  delivery(): Delivery {
    const dropped = this.#droppedTotal()
    return { sent: this.#sent, dropped, pending: this.#produced - this.#sent - dropped }
  }

  #droppedTotal(): number {
    let total = 0
    for (const count of this.#dropped.values()) total += count
    return total
  }
}
