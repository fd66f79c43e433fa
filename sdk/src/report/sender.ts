import { setTimeout as delay } from 'node:timers/promises'
import { CONTRACT_VERSION, limits, type ProcessReport } from '@syncproof/core/contract'
import type { Settings } from '../options.ts'
import type { Warn } from '../warnings.ts'
import type { Books } from './books.ts'
import { ClockOffset } from './clock-offset.ts'
import { type PostResult, postBatch } from './post-batch.ts'
import type { EventQueue } from './queue.ts'

/** A request has a price of its own, at both ends. */
const BATCH_EVENTS_MAX: number = limits.eventsPerBatchMax
const BATCH_BYTES_MAX = 1024 * 1024
/** Enough for a batch that is worth its request: sent at once, without waiting for the interval. */
const FLUSH_BYTES_MIN = 256 * 1024
const TAIL = ']}'
const BACKOFF_MS_MIN = 250
const BACKOFF_MS_MAX = 30_000
/** What only a person can mend is tried again slowly. */
const REFUSED_RETRY_MS = 60_000
const RETRY_AFTER_MS_MAX = 300_000

/** Takes events from the queue to the collector, one request at a time.
 *
 *  idle → waiting (an event came: a timer of `flushIntervalMs`, none where the queue is large) → sending →
 *  idle (queue empty) or sending (more) or waiting (failed: backoff with jitter, or what Retry-After says).
 *  Events leave the queue only when the collector has answered for them; a batch that was sent twice because
 *  its answer was lost is recognised there by the ids. Every timer is unref'd but those of `flush`. */
export class Sender {
  readonly #queue: EventQueue
  readonly #books: Books
  readonly #settings: Settings
  readonly #warn: Warn
  readonly #process: Omit<ProcessReport, 'clock' | 'books'>
  readonly #settled: (lastSeq: number) => void
  readonly #clock = new ClockOffset()
  #timer: NodeJS.Timeout | undefined
  /** It is a backoff, or is due at once. */
  #timerStays = false
  #heartbeat: NodeJS.Timeout | undefined
  #sending: Promise<number | undefined> | undefined
  #failures = 0
  #batchEventsMax = BATCH_EVENTS_MAX
  #lastSentMs = 0
  #draining = false
  #stopped = false
  #abandon = new AbortController()

  /** @param settled called with the number of the newest event that left the queue, stored or dropped */
  constructor(
    queue: EventQueue,
    books: Books,
    settings: Settings,
    warn: Warn,
    process: Omit<ProcessReport, 'clock' | 'books'>,
    settled: (lastSeq: number) => void,
  ) {
    this.#queue = queue
    this.#books = books
    this.#settings = settings
    this.#warn = warn
    this.#process = process
    this.#settled = settled
    if (settings.heartbeatIntervalMs > 0) {
      this.#heartbeat = setInterval(() => this.#beat(), settings.heartbeatIntervalMs).unref()
      // made for want of an event
      this.#beat()
    }
  }

  /** An event was queued. */
  wake(): void {
    if (this.#stopped) return
    const large = this.#queue.bytes >= FLUSH_BYTES_MIN
    // a timer that runs already stays, but one for a few events gives way to one for many
    if (this.#timer ? !large || this.#timerStays : this.#sending !== undefined) return
    this.#schedule(large ? 0 : this.#settings.flushIntervalMs, large)
  }

  /** Sends what is queued now; gives up at `timeoutMs`. Never rejects. */
  async flush(timeoutMs: number): Promise<void> {
    const deadlineMs = performance.now() + timeoutMs
    const produced = this.#books.produced
    while (this.#queue.length > 0 && this.#books.settled < produced) {
      const leftMs = deadlineMs - performance.now()
      if (leftMs <= 0) return
      const waitMs = await within(leftMs, this.#send(leftMs))
      if (waitMs === undefined) continue
      if (performance.now() + waitMs > deadlineMs) return
      await delay(waitMs)
    }
  }

  /** Sends until nothing waits, also of what comes meanwhile; gives up at `timeoutMs`. Never rejects. */
  async drain(timeoutMs: number): Promise<void> {
    const deadlineMs = performance.now() + timeoutMs
    // first the call that has just ended takes its turn: its caller may be an operation too
    await delay(0)
    for (let before = -1; this.#queue.length > 0 && this.#books.settled > before; ) {
      before = this.#books.settled
      await this.flush(deadlineMs - performance.now())
    }
  }

  /** Gives up the request that is under way: an open one would keep the process alive. */
  abandon(): void {
    this.#abandon.abort()
    this.#abandon = new AbortController()
  }

  /** Sends no more. */
  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
    clearInterval(this.#heartbeat)
    this.abandon()
  }

  #schedule(delayMs: number, stays: boolean): void {
    clearTimeout(this.#timer)
    this.#timerStays = stays
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      void this.#drain()
    }, delayMs).unref()
  }

  async #drain(): Promise<void> {
    this.#draining = true
    let waitMs: number | undefined
    while (this.#queue.length > 0 && waitMs === undefined && !this.#stopped)
      waitMs = await this.#send(this.#settings.requestTimeoutMs)
    this.#draining = false
    if (waitMs !== undefined && !this.#stopped) this.#schedule(waitMs, true)
  }

  /** A process that has nothing to say still says that it lives, and what its books hold. */
  #beat(): void {
    if (performance.now() - this.#lastSentMs < this.#settings.heartbeatIntervalMs / 2) return
    if (this.#sending === undefined && this.#queue.length === 0)
      void this.#send(this.#settings.requestTimeoutMs)
  }

  /** One request. @returns milliseconds to wait before the next, undefined for none */
  #send(timeoutMs: number): Promise<number | undefined> {
    this.#sending ??= this.#sendBatch(Math.min(timeoutMs, this.#settings.requestTimeoutMs)).finally(() => {
      this.#sending = undefined
      // what came meanwhile woke nobody, and a flush or a heartbeat sends only its own
      if (!this.#draining && this.#queue.length > 0) this.wake()
    })
    return this.#sending
  }

  async #sendBatch(timeoutMs: number): Promise<number | undefined> {
    try {
      const { count, pieces } = this.#queue.peek(this.#batchEventsMax, BATCH_BYTES_MAX)
      const result = await postBatch(this.#settings, this.#body(pieces), timeoutMs, this.#abandon.signal)
      this.#lastSentMs = performance.now()
      if (result.roundTrip) this.#clock.add(result.roundTrip)
      return this.#settle(count, result)
    } catch (error) {
      this.#warn('internal', error)
      return REFUSED_RETRY_MS
    }
  }

  #body(pieces: readonly Buffer[]): readonly Buffer[] {
    const report: ProcessReport = {
      ...this.#process,
      clock: this.#clock.report(),
      books: this.#books.report(),
    }
    const head = `{"contract":${CONTRACT_VERSION},"process":${JSON.stringify(report)},"events":[`
    return [Buffer.from(head), ...pieces, Buffer.from(TAIL)]
  }

  #settle(count: number, result: PostResult): number | undefined {
    switch (result.kind) {
      case 'stored':
        this.#books.send(count - Math.min(result.rejected, count))
        this.#books.drop('rejected', Math.min(result.rejected, count))
        this.#leave(count)
        if (result.rejected > 0)
          this.#warn('events_rejected', `the collector rejected events: ${result.detail}`)
        this.#failures = 0
        this.#batchEventsMax = Math.min(BATCH_EVENTS_MAX, this.#batchEventsMax * 2)
        return undefined
      case 'too_large':
        return this.#shrink(count)
      case 'again':
        return result.retryAfterMs === undefined
          ? this.#backoffMs()
          : Math.min(result.retryAfterMs + Math.random() * BACKOFF_MS_MIN, RETRY_AFTER_MS_MAX)
      case 'refused':
        this.#warnOfRefusal(result.status, result.detail)
        return REFUSED_RETRY_MS * (1 + Math.random() / 10)
    }
  }

  #shrink(count: number): number | undefined {
    if (count === 0) return REFUSED_RETRY_MS
    if (count === 1) {
      this.#books.drop('too_large', 1)
      this.#leave(1)
    }
    this.#batchEventsMax = Math.max(1, Math.floor(count / 2))
    return undefined
  }

  #leave(count: number): void {
    const lastSeq = this.#queue.remove(count)
    if (lastSeq !== undefined) this.#settled(lastSeq)
  }

  #backoffMs(): number {
    const ceilingMs = Math.min(BACKOFF_MS_MAX, BACKOFF_MS_MIN * 2 ** Math.min(this.#failures, 16))
    this.#failures += 1
    // never less than half: many processes of one host must not all come back at once, nor at once
    return ceilingMs * (0.5 + Math.random() / 2)
  }

  #warnOfRefusal(status: number, detail: string): void {
    if (status === 401 || status === 403) {
      this.#warn(
        'unauthorized',
        `the collector answered ${status}: set SYNCPROOF_API_KEY to a key with the scope ingest. ${detail}`,
      )
      return
    }
    this.#warn(
      'collector_refuses',
      `${this.#settings.eventsUrl} answered ${status}, which a collector of this release does not: check SYNCPROOF_URL and its version. ${detail}`,
    )
  }
}

/** What the promise resolves with; the whole of `timeoutMs` where it takes longer. */
function within(timeoutMs: number, promise: Promise<number | undefined>): Promise<number | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, timeoutMs, timeoutMs)
    void promise.then((value) => {
      clearTimeout(timer)
      resolve(value)
    })
  })
}
