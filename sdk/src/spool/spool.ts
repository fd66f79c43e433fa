import {
  closeSync,
  futimesSync,
  mkdirSync,
  openSync,
  readdirSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import type { ProcessBooks, ProcessReport } from '@syncproof/core/contract'
import { now, stamp } from '../clock.ts'
import type { Settings } from '../options.ts'
import type { Warn } from '../warnings.ts'
import { type Owner, thisProcess } from './owner.ts'
import { recoverSpools } from './recover.ts'
import { formatNote, formatRecord, formatStart, INCOMPLETE, MARK_BYTES } from './spool-format.ts'

/** One file; what is delivered goes a whole file at a time. */
const SEGMENT_BYTES_MAX = 1024 * 1024
/** What all processes of one folder may leave there: with more, a new one keeps nothing on disk. */
const FOLDER_BYTES_MAX = 64 * 1024 * 1024
/** The owner says so often that it lives, to those who cannot see its process. */
const TOUCH_INTERVAL_MS = 20_000
/** A disk that was full may have room again. */
const RETRY_MS = 60_000
const RECOVER_INTERVAL_MS = 30_000

export interface SpoolOptions {
  readonly settings: Settings
  readonly warn: Warn
  readonly process: Omit<ProcessReport, 'clock' | 'books'>
  readonly books: () => ProcessBooks
}

interface Segment {
  readonly path: string
  readonly fd: number
  bytes: number
  lastSeq: number
}

/** Keeps the events that wait on disk too, for the next process to send should this one be killed.
 *
 *  idle → writing (an event) → idle (all of them delivered: the files go) or failed (the disk refuses: what was
 *  written stays, marked as not the whole truth) → idle (all delivered in memory, and a while later).
 *  It writes with the call that made the event: what waits for a later turn of the event loop is lost by a kill.
 *  It survives the process, not the machine: nothing is synced to the platter. No method throws. */
export class Spool {
  readonly #dir: string
  readonly #options: SpoolOptions
  readonly #owner: Owner = thisProcess()
  readonly #timers: readonly NodeJS.Timeout[]
  #segments: Segment[] = []
  #opened = 0
  #settled = 0
  #failedAtMs: number | undefined
  #stopped = false
  #recovering: Promise<void> | undefined

  constructor(dir: string, options: SpoolOptions) {
    this.#dir = dir
    this.#options = options
    this.#timers = [
      setInterval(() => this.#touch(), TOUCH_INTERVAL_MS).unref(),
      setInterval(() => void this.recover(), RECOVER_INTERVAL_MS).unref(),
    ]
  }

  /** Writes one event that waits in memory. */
  append(line: string, seq: number): void {
    this.#write(formatRecord(line), seq)
  }

  /** Writes what the books say: after an event that was dropped, which nothing else here tells of. */
  note(): void {
    if (this.#segments.length > 0)
      this.#write(formatNote({ books: this.#options.books(), settled: this.#settled }))
  }

  /** Every event up to this number is stored or dropped. */
  settle(lastSeq: number): void {
    this.#settled = lastSeq + 1
    const active = this.#segments.at(-1)
    if (active && active.lastSeq <= lastSeq && active.bytes > SEGMENT_BYTES_MAX / 4) this.tidy()
    for (const segment of this.#segments.slice(0, -1)) if (segment.lastSeq <= lastSeq) this.#remove(segment)
    this.note()
  }

  /** Removes the files where nothing waits. */
  tidy(): void {
    if (this.#segments.every((segment) => segment.lastSeq < this.#settled))
      for (const segment of this.#segments) this.#remove(segment)
  }

  /** What follows will not be written: nobody may conclude from these files that it did not happen. */
  markIncomplete(): void {
    for (const { fd, path } of this.#segments) {
      try {
        writeSync(fd, INCOMPLETE, MARK_BYTES)
      } catch {
        attempt(() => unlinkSync(path))
      }
    }
  }

  /** Sends what ended processes have left in the folder. Never rejects. */
  recover(): Promise<void> {
    this.#recovering ??= recoverSpools(this.#dir, this.#options.process.id, this.#options).finally(() => {
      this.#recovering = undefined
    })
    return this.#recovering
  }

  stop(): void {
    this.tidy()
    this.#stopped = true
    for (const timer of this.#timers) clearInterval(timer)
    for (const { fd } of this.#segments) attempt(() => closeSync(fd))
    this.#segments = []
  }

  #write(text: string, seq?: number): void {
    if (this.#stopped || !this.#works()) return
    this.#guard(() => {
      const segment = this.#segmentFor(seq)
      segment.bytes += writeWhole(segment.fd, text, segment.bytes)
      if (seq !== undefined) segment.lastSeq = seq
    })
  }

  #segmentFor(seq: number | undefined): Segment {
    const active = this.#segments.at(-1)
    if (active && (active.bytes < SEGMENT_BYTES_MAX || seq === undefined)) return active
    return this.#openSegment(seq)
  }

  #openSegment(seq = 0): Segment {
    const { process } = this.#options
    mkdirSync(this.#dir, { recursive: true, mode: 0o700 })
    const others = readdirSync(this.#dir).reduce((sum, name) => sum + sizeOf(join(this.#dir, name)), 0)
    if (others > FOLDER_BYTES_MAX) throw new Error(`${others} bytes lie there already`)
    const path = join(this.#dir, `${process.id}.${this.#opened}.spool`)
    const segment = { path, fd: openSync(path, 'wx', 0o600), bytes: 0, lastSeq: -1 }
    this.#opened += 1
    this.#segments.push(segment)
    // the event that it is opened for is produced already, and not written yet
    const books = { ...this.#options.books(), produced: seq }
    const header = { owner: this.#owner, process, books, settled: this.#settled, ...stamp(now()) }
    segment.bytes += writeWhole(segment.fd, formatStart(header), 0)
    return segment
  }

  #works(): boolean {
    if (this.#failedAtMs === undefined) return true
    // what was not written must be delivered first: files with a hole must not look whole
    this.tidy()
    const waited = performance.now() - this.#failedAtMs > RETRY_MS
    if (this.#segments.length > 0 || !waited) return false
    this.#failedAtMs = undefined
    return true
  }

  #guard(run: () => void): void {
    try {
      run()
    } catch (error) {
      this.#failedAtMs = performance.now()
      this.markIncomplete()
      this.#options.warn(
        'spool_unwritable',
        `events that wait are kept in memory only, for ${this.#dir} cannot be used: ${(error as Error).message}`,
      )
    }
  }

  #touch(): void {
    const time = Date.now() / 1000
    for (const { fd } of this.#segments) attempt(() => futimesSync(fd, time, time))
  }

  #remove(segment: Segment): void {
    this.#segments = this.#segments.filter((other) => other !== segment)
    attempt(() => closeSync(segment.fd))
    attempt(() => unlinkSync(segment.path))
  }
}

/** At its place, so that half a record of a full disk is overwritten by the next.
 *  @returns bytes written */
function writeWhole(fd: number, text: string, position: number): number {
  const bytes = Buffer.from(text)
  if (writeSync(fd, bytes, 0, bytes.length, position) < bytes.length) throw new Error('no space left')
  return bytes.length
}

function sizeOf(path: string): number {
  return attempt(() => statSync(path).size) ?? 0
}

function attempt<T>(run: () => T): T | undefined {
  try {
    return run()
  } catch {
    // a file that somebody has removed, or a disk that is gone: the next write tells
    return undefined
  }
}
