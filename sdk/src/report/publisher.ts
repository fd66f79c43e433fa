import { hostname } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import type { ProcessReport } from '@syncproof/core/contract'
import type { Settings } from '../options.ts'
import type { Spool } from '../spool/spool.ts'
import type { Warn } from '../warnings.ts'
import type { Books } from './books.ts'
import type { EventQueue } from './queue.ts'
import { Sender } from './sender.ts'

/** Has what is queued sent, and keeps it on disk where there is a spool. Loaded apart from the rest: until the first
 *  event nobody needs an HTTP client. No method throws. */
export class Publisher {
  readonly #books: Books
  readonly #queue: EventQueue
  readonly #sender: Sender
  readonly #settings: Settings
  readonly #warn: Warn
  readonly #spoolOpening: Promise<void> | undefined
  #spool: Spool | undefined
  /** The spool has been told of the events that were dropped since the last one that was kept. */
  #dropsNoted = false
  /** The process ended while operations were open. */
  #endedOpen = false

  constructor(processId: string, queue: EventQueue, books: Books, settings: Settings, warn: Warn) {
    this.#queue = queue
    this.#books = books
    this.#settings = settings
    this.#warn = warn
    const { service, release } = settings
    const process = { id: processId, service, release, host: hostname() }
    this.#sender = new Sender(queue, books, settings, warn, process, (seq) => this.#spool?.settle(seq))
    if (settings.spoolDir !== undefined) this.#spoolOpening = this.#openSpool(settings.spoolDir, process)
    this.#sender.wake()
  }

  /** An event was queued. */
  queued(line: string, seq: number): void {
    this.#spool?.append(line, seq)
    this.#dropsNoted = false
    this.#sender.wake()
  }

  /** One was dropped. The spool tells of it, or an operation whose end was dropped would look as if it had none. */
  dropped(): void {
    if (!this.#dropsNoted) this.#spool?.note()
    this.#dropsNoted = true
  }

  /** Sends what is queued now; gives up at `timeoutMs`. Never rejects. */
  async flush(timeoutMs: number): Promise<void> {
    const deadlineMs = performance.now() + timeoutMs
    await this.#sender.flush(timeoutMs)
    if (this.#spoolOpening === undefined) return
    const recovered = this.#spoolOpening.then(() => this.#spool?.recover())
    await within(deadlineMs - performance.now(), recovered)
  }

  /** Sends until nothing waits, also of what comes meanwhile; gives up at `timeoutMs`. Never rejects. */
  drain(timeoutMs: number): Promise<void> {
    return this.#sender.drain(timeoutMs)
  }

  /** The script has nothing left to do: nothing here may keep its process alive. */
  leave(): void {
    this.#sender.abandon()
    this.#spool?.tidy()
  }

  /** No more events will come, although operations are open. */
  endOpen(): void {
    this.#endedOpen = true
    this.#spool?.markIncomplete()
  }

  /** Sends no more. */
  stop(): void {
    this.#sender.stop()
    this.#spool?.stop()
  }

  async #openSpool(dir: string, process: Omit<ProcessReport, 'clock' | 'books'>): Promise<void> {
    try {
      const { Spool } = await import('../spool/spool.ts')
      const books = () => this.#books.report()
      this.#spool = new Spool(dir, { settings: this.#settings, warn: this.#warn, process, books })
      for (const [line, seq] of this.#queue.entries()) this.#spool.append(line, seq)
      // of what was dropped until now nothing there tells: the end of the process would seem to follow its last event
      this.#spool.note()
      if (this.#endedOpen) this.#spool.markIncomplete()
      void this.#spool.recover()
    } catch (error) {
      this.#warn('spool_unwritable', `events that wait are kept in memory only: ${String(error)}`)
    }
  }
}

async function within(timeoutMs: number, promise: Promise<unknown>): Promise<void> {
  const timer = new AbortController()
  await Promise.race([
    promise,
    delay(Math.max(0, timeoutMs), undefined, { signal: timer.signal }).catch(() => {}),
  ])
  timer.abort()
}
