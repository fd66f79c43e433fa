import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import type { ProcessReport, SyncproofEvent } from '@syncproof/core/contract'
import { now, stamp } from '../clock.ts'
import type { Settings } from '../options.ts'
import type { Spool } from '../spool/spool.ts'
import { uuidV7 } from '../uuid-v7.ts'
import type { Warn } from '../warnings.ts'
import { Books, type Delivery, type DropReason } from './books.ts'
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
  #spool: Spool | undefined
  #spoolOpening: Promise<void> | undefined
  /** The spool has been told of the events that were dropped since the last one that was kept. */
  #dropsNoted = false
  #delivering: Promise<void> | undefined
  #ended = false

  constructor(settings: Settings, warn: Warn) {
    this.#settings = settings
    this.#warn = warn
    this.#queue = new EventQueue(settings.queueBytesMax)
    const { service, release } = settings
    const process = { id: this.processId, service, release, host: hostname() }
    this.#sender = new Sender(this.#queue, this.#books, settings, warn, process, (line) => {
      this.#spool?.settle(seqOf(line))
    })
    if (settings.spoolDir !== undefined) this.#spoolOpening = this.#openSpool(settings.spoolDir, process)
    // with a spool, what others left is to be sent even where nothing is new
    let produced = settings.spoolDir === undefined ? 0 : -1
    this.#leaveExit = flushAtExit(async () => {
      if (this.#books.produced === produced) return
      produced = this.#books.produced
      await this.#deliver(settings.exitTimeoutMs)
      this.#sender.abandon()
      this.#spool?.tidy()
    }, settings.exitTimeoutMs)
  }

  /** Queues one event. Never throws and never waits for the network.
   *  At `queueBytesMax` the event is dropped and counted under `queue_full`: blocking the host application is
   *  worse than a gap that can be reported. */
  produce(draft: Draft): void {
    if (this.#ended) return
    const seq = this.#books.produce()
    const line = this.#queue.isFull ? undefined : this.#format(seq, draft)
    if (line === '') return
    if (line === undefined || !this.#queue.push(line)) {
      this.#dropFull()
      return
    }
    this.#spool?.append(line, seq)
    this.#dropsNoted = false
    this.#sender.wake()
    if (draft.kind === 'operation_finished') this.#handOver()
  }

  /** Counts one event that sampling leaves out. */
  leaveOut(): void {
    if (this.#ended) return
    this.#books.produce()
    this.#books.drop('sampled', 1)
  }

  async flush(): Promise<Delivery> {
    await this.#deliver(this.#settings.flushTimeoutMs)
    return this.#books.delivery()
  }

  /** Sends what waits and takes no more events.
   *  @param quiet no operation is open: only then is it known that nothing will follow, and said */
  async end(quiet: boolean): Promise<Delivery> {
    if (!this.#ended && quiet)
      this.produce({ kind: 'process_ended', ...stamp(now()), last_seq: this.#books.produced - 1 })
    this.#ended = true
    if (!quiet) this.#spool?.markIncomplete()
    const delivery = await this.flush()
    this.#sender.stop()
    this.#spool?.stop()
    this.#leaveExit()
    return delivery
  }

  /** @returns an empty text where no event could be made of it */
  #format(seq: number, draft: Draft): string {
    try {
      // put in front, for a copy of the draft would cost as much again
      return `{"id":"${uuidV7(Math.floor(now().wallUs / 1000))}","seq":${seq},${JSON.stringify(draft).slice(1)}`
    } catch (error) {
      this.#drop('internal')
      this.#warn('internal', `a fault of Syncproof, not of the app: ${String(error)}`)
      return ''
    }
  }

  #dropFull(): void {
    this.#drop('queue_full')
    this.#warn(
      'queue_full',
      `events are dropped: ${this.#settings.queueBytesMax} bytes wait for ${this.#settings.eventsUrl}`,
    )
  }

  #drop(reason: DropReason): void {
    this.#books.drop(reason, 1)
    // the spool tells of it, or an operation whose end was dropped would look as if it had none
    if (!this.#dropsNoted) this.#spool?.note()
    this.#dropsNoted = true
  }

  async #deliver(timeoutMs: number): Promise<void> {
    const deadlineMs = performance.now() + timeoutMs
    await this.#sender.flush(timeoutMs)
    if (this.#spoolOpening === undefined) return
    const recovered = this.#spoolOpening.then(() => this.#spool?.recover())
    await within(deadlineMs - performance.now(), recovered)
  }

  /** Gives the platform the promise of a delivery to wait for; one that is under way takes later events along. */
  #handOver(): void {
    const { waitUntil, flushTimeoutMs } = this.#settings
    if (waitUntil === undefined || this.#delivering !== undefined) return
    this.#delivering = this.#sender.drain(flushTimeoutMs).finally(() => {
      this.#delivering = undefined
    })
    try {
      waitUntil(this.#delivering)
    } catch (error) {
      this.#warn('internal', `\`waitUntil\` threw: ${String(error)}`)
    }
  }

  async #openSpool(dir: string, process: Omit<ProcessReport, 'clock' | 'books'>): Promise<void> {
    try {
      const { Spool } = await import('../spool/spool.ts')
      const books = () => this.#books.report()
      this.#spool = new Spool(dir, { settings: this.#settings, warn: this.#warn, process, books })
      for (const line of this.#queue.peek(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY))
        this.#spool.append(line, seqOf(line))
      if (this.#ended) this.#spool.markIncomplete()
      void this.#spool.recover()
    } catch (error) {
      this.#warn('spool_unwritable', `events that wait are kept in memory only: ${String(error)}`)
    }
  }
}

function seqOf(line: string): number {
  return (JSON.parse(line) as { seq: number }).seq
}

async function within(timeoutMs: number, promise: Promise<unknown>): Promise<void> {
  const timer = new AbortController()
  await Promise.race([
    promise,
    delay(Math.max(0, timeoutMs), undefined, { signal: timer.signal }).catch(() => {}),
  ])
  timer.abort()
}
