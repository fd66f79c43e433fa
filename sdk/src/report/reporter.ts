import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { SyncproofEvent } from '@syncproof/core/contract'
import { now, stamp } from '../clock.ts'
import type { Settings } from '../options.ts'
import { uuidV7 } from '../uuid-v7.ts'
import type { Warn } from '../warnings.ts'
import { Books, type Delivery } from './books.ts'
import { flushAtExit } from './exit-flush.ts'
import { EventQueue } from './queue.ts'
import { Sender } from './sender.ts'

type Unnumbered<T> = T extends unknown ? Omit<T, 'id' | 'seq'> : never

/** An event that is not produced yet: it gets its id and its place in the sequence when it is. */
export type Draft = Unnumbered<SyncproofEvent>

/** Numbers events, queues them and has them sent. */
export class Reporter {
  readonly processId = randomUUID()
  readonly #books = new Books()
  readonly #queue: EventQueue
  readonly #sender: Sender
  readonly #settings: Settings
  readonly #warn: Warn
  readonly #leaveExit: () => void
  #ended = false

  constructor(settings: Settings, warn: Warn) {
    this.#settings = settings
    this.#warn = warn
    this.#queue = new EventQueue(settings.queueBytesMax)
    const host = hostname()
    this.#sender = new Sender(this.#queue, this.#books, settings, warn, () => ({
      id: this.processId,
      service: settings.service,
      release: settings.release,
      host,
    }))
    this.#leaveExit = flushAtExit(async () => {
      await this.#sender.flush(settings.exitTimeoutMs)
      this.#sender.abandon()
    }, settings.exitTimeoutMs)
  }

  /** Queues one event. Never throws and never waits for the network.
   *  At `queueBytesMax` the event is dropped and counted under `queue_full`: blocking the host application is
   *  worse than a gap that can be reported. */
  produce(draft: Draft): void {
    if (this.#ended) return
    const seq = this.#books.produce()
    const line = JSON.stringify({ id: uuidV7(Math.floor(now().wallUs / 1000)), seq, ...draft })
    if (this.#queue.push(line)) {
      this.#sender.wake()
      return
    }
    this.#books.drop('queue_full', 1)
    this.#warn(
      'queue_full',
      `events are dropped: ${this.#settings.queueBytesMax} bytes wait for ${this.#settings.eventsUrl}`,
    )
  }

  async flush(): Promise<Delivery> {
    await this.#sender.flush(this.#settings.flushTimeoutMs)
    return this.#books.delivery()
  }

  /** Sends what waits and takes no more events.
   *  @param quiet no operation is open: only then is it known that nothing will follow, and said */
  async end(quiet: boolean): Promise<Delivery> {
    if (!this.#ended && quiet)
      this.produce({ kind: 'process_ended', ...stamp(now()), last_seq: this.#books.produced - 1 })
    this.#ended = true
    const delivery = await this.flush()
    this.#sender.stop()
    this.#leaveExit()
    return delivery
  }
}
