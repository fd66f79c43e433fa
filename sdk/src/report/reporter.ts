import { randomUUID } from 'node:crypto'
import type { EventBase, EventKind, SyncproofEvent } from '@syncproof/core/contract'
import { formatInstant, type Moment, now } from '../clock.ts'
import type { Settings } from '../options.ts'
import { uuidV7 } from '../uuid-v7.ts'
import type { Warn } from '../warnings.ts'
import { Books, type Delivery, type DropReason } from './books.ts'
import { membersJson } from './event-json.ts'
import { flushAtExit } from './exit-flush.ts'
import type { Publisher } from './publisher.ts'
import { EventQueue } from './queue.ts'

type Own<T> = T extends unknown ? Omit<T, keyof EventBase | 'kind' | 'operation_id'> : never

/** What an event of this kind carries besides what every event does. */
export type Members<K extends EventKind> = Own<Extract<SyncproofEvent, { kind: K }>>

/** Numbers events and queues them. What sends them is loaded with the first one. */
export class Reporter {
  readonly processId = randomUUID()
  readonly #books = new Books()
  readonly #queue: EventQueue
  readonly #settings: Settings
  readonly #warn: Warn
  readonly #leaveExit: () => void
  readonly #heartbeat: NodeJS.Timeout | undefined
  #publisher: Publisher | undefined
  #loading: Promise<Publisher | undefined> | undefined
  #handedOver: Promise<void> | undefined
  #ended = false

  constructor(settings: Settings, warn: Warn) {
    this.#settings = settings
    this.#warn = warn
    this.#queue = new EventQueue(settings.queueBytesMax)
    // a process that has nothing to say still says that it lives
    if (settings.heartbeatIntervalMs > 0)
      this.#heartbeat = setTimeout(() => void this.#load(), settings.heartbeatIntervalMs).unref()
    if (settings.spoolDir !== undefined) void this.#load()
    // with a spool, what others left is to be sent even where nothing is new
    let produced = settings.spoolDir === undefined ? 0 : -1
    this.#leaveExit = flushAtExit(async () => {
      if (this.#books.produced === produced) return
      produced = this.#books.produced
      const publisher = await this.#load()
      await publisher?.flush(settings.exitTimeoutMs)
      publisher?.leave()
    }, settings.exitTimeoutMs)
  }

  /** Queues one event. Never throws and never waits for the network.
   *  At `queueBytesMax` the event is dropped and counted under `queue_full`: blocking the host application is
   *  worse than a gap that can be reported. */
  produce<K extends EventKind>(
    kind: K,
    operationId: string | undefined,
    at: Moment,
    members: Members<K>,
  ): void {
    if (this.#ended) return
    const seq = this.#books.produce()
    const line = this.#queue.isFull ? undefined : this.#format(seq, kind, operationId, at, members)
    if (line === '') return
    if (line === undefined || !this.#queue.push(line, seq)) {
      this.#drop('queue_full')
      this.#warn(
        'queue_full',
        `events are dropped: ${this.#settings.queueBytesMax} bytes wait for ${this.#settings.eventsUrl}`,
      )
      return
    }
    if (this.#publisher) this.#publisher.queued(line, seq)
    else void this.#load()
    if (kind === 'operation_finished') this.#handOver()
  }

  /** Counts one event that sampling leaves out. */
  leaveOut(): void {
    if (this.#ended) return
    this.#books.produce()
    this.#books.drop('sampled', 1)
  }

  async flush(): Promise<Delivery> {
    // where nothing was ever queued there is nothing to load
    if (this.#loading) await (await this.#loading)?.flush(this.#settings.flushTimeoutMs)
    return this.#books.delivery()
  }

  /** Sends what waits and takes no more events.
   *  @param quiet no operation is open: only then is it known that nothing will follow, and said */
  async end(quiet: boolean): Promise<Delivery> {
    if (!this.#ended && quiet)
      this.produce('process_ended', undefined, now(), { last_seq: this.#books.produced - 1 })
    this.#ended = true
    clearTimeout(this.#heartbeat)
    if (!quiet) void this.#loading?.then((publisher) => publisher?.endOpen())
    const delivery = await this.flush()
    ;(await this.#loading)?.stop()
    this.#leaveExit()
    return delivery
  }

  /** @returns an empty text where no event could be made of it */
  #format<K extends EventKind>(
    seq: number,
    kind: K,
    operationId: string | undefined,
    at: Moment,
    members: Members<K>,
  ): string {
    try {
      const operation = operationId === undefined ? '' : `"operation_id":"${operationId}",`
      return `{"id":"${uuidV7(Math.floor(at.wallUs / 1000))}","seq":${seq},"kind":"${kind}",${operation}"at":"${formatInstant(at.wallUs)}","monotonic_us":${at.monotonicUs}${membersJson(kind, members)}}`
    } catch (error) {
      this.#drop('internal')
      this.#warn('internal', error)
      return ''
    }
  }

  #drop(reason: DropReason): void {
    this.#books.drop(reason, 1)
    this.#publisher?.dropped()
  }

  #load(): Promise<Publisher | undefined> {
    this.#loading ??= import('./publisher.ts').then(
      ({ Publisher }) => {
        this.#publisher = new Publisher(this.processId, this.#queue, this.#books, this.#settings, this.#warn)
        return this.#publisher
      },
      (error) => {
        this.#warn('internal', error)
        return undefined
      },
    )
    return this.#loading
  }

  /** Gives the platform the promise of a delivery to wait for; one that is under way takes later events along. */
  #handOver(): void {
    const { waitUntil, flushTimeoutMs } = this.#settings
    if (!waitUntil || this.#handedOver) return
    this.#handedOver = this.#load().then(async (publisher) => {
      await publisher?.drain(flushTimeoutMs)
      this.#handedOver = undefined
    })
    try {
      waitUntil(this.#handedOver)
    } catch (error) {
      this.#warn('internal', `\`waitUntil\` threw: ${String(error)}`)
    }
  }
}
