import { type ChildProcess, fork } from 'node:child_process'
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CallPlan } from '../plan/call.ts'
import type { DiaryLine } from '../program/diary.ts'
import type { Order } from '../program/main.ts'
import type { Places } from '../program/world.ts'

const MAIN = join(import.meta.dirname, '../program/main.ts')

/** What one process, and those that took its place, wrote down. `died`: the process that wrote the lines before was
 *  killed here. */
export type Diaries = readonly (readonly (DiaryLine | { readonly what: 'died' })[])[]

/** Processes of the app. One that is killed is started again, in the same place. */
export class Programs {
  readonly #slots: Slot[]

  private constructor(slots: Slot[]) {
    this.#slots = slots
  }

  /** @param folder of their own */
  static async start(
    count: number,
    folder: string,
    places: Pick<Places, 'database' | 'ats' | 'collector'>,
  ): Promise<Programs> {
    const slots = Array.from({ length: count }, (_, index) => {
      const own = join(folder, String(index))
      mkdirSync(join(own, 'spool'), { recursive: true })
      return new Slot({ ...places, diary: join(own, 'diary.ndjson'), spool: join(own, 'spool') })
    })
    await Promise.all(slots.map((slot) => slot.open()))
    return new Programs(slots)
  }

  get count(): number {
    return this.#slots.length
  }

  /** @param lists the calls of each process; when this resolves all is made, delivered and sent */
  async make(lists: readonly (readonly CallPlan[])[], atOnce: number): Promise<void> {
    await Promise.all(this.#slots.map((slot, index) => slot.make(lists[index] ?? [], atOnce)))
    for (const slot of this.#slots) await slot.obey({ order: 'deliver' })
  }

  takeDiaries(): Diaries {
    return this.#slots.map((slot) => slot.takeDiary())
  }

  /** Ends them as a process should end. */
  async close(): Promise<void> {
    await Promise.all(this.#slots.map((slot) => slot.close()))
  }
}

class Slot {
  readonly #places: Places
  #child: ChildProcess | undefined

  constructor(places: Places) {
    this.#places = places
    writeFileSync(places.diary, '')
  }

  async open(): Promise<void> {
    this.#child = fork(MAIN, {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      // a Ctrl-C is for the suite, which ends them as a process should end
      detached: true,
    })
    await this.obey({ order: 'open', places: this.#places })
  }

  async make(calls: readonly CallPlan[], atOnce: number): Promise<void> {
    for (let left = calls; left.length > 0; ) {
      if ((await this.obey({ order: 'make', calls: left, atOnce })) === 'done') return
      writeFileSync(this.#places.diary, `${JSON.stringify({ what: 'died' })}\n`, { flag: 'a' })
      const begun = new Set(this.#read().map((line) => ('call' in line ? line.call : '')))
      left = left.filter(({ key }) => !begun.has(key))
      await this.open()
    }
  }

  /** @throws what went wrong in the process; 'killed' where it killed itself */
  async obey(order: Order): Promise<'done' | 'killed'> {
    const child = this.#child
    if (!child) throw new Error('the process was not started')
    return new Promise((resolve, reject) => {
      const settle = (run: () => void) => {
        child.off('message', hear)
        child.off('exit', end)
        run()
      }
      const hear = (message: { failed?: string }) =>
        settle(() => (message.failed ? reject(new Error(message.failed)) : resolve('done')))
      const end = (_code: number | null, signal: string | null) =>
        settle(() =>
          signal === 'SIGKILL' ? resolve('killed') : reject(new Error('a process ended by itself')),
        )
      child.on('message', hear)
      child.on('exit', end)
      child.send(order)
    })
  }

  takeDiary(): Diaries[number] {
    const lines = this.#read()
    truncateSync(this.#places.diary, 0)
    return lines
  }

  async close(): Promise<void> {
    const child = this.#child
    if (!child || child.exitCode !== null) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    await this.obey({ order: 'close' })
    await ended
  }

  #read(): Diaries[number] {
    const text = readFileSync(this.#places.diary, 'utf8')
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line))
  }
}
