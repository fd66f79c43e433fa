import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'

/** Processes that are there to be killed. Each says something on stdout when it has started. */
export class Workers {
  readonly #start: () => ChildProcess
  readonly #running: ChildProcess[] = []

  constructor(start: () => ChildProcess) {
    this.#start = start
  }

  async start(count: number): Promise<void> {
    for (let n = 0; n < count; n += 1) this.#running.push(this.#start())
    await Promise.all(this.#running.map(({ stdout }) => stdout && once(stdout, 'data')))
  }

  /** One is killed, wherever it is, and another one is started in its place. */
  async killOne(): Promise<void> {
    const victim = this.#running.splice(Math.floor(Math.random() * this.#running.length), 1)[0]
    if (victim) await end(victim, 'SIGKILL')
    this.#running.push(this.#start())
  }

  async stop(): Promise<void> {
    await Promise.all(this.#running.splice(0).map((worker) => end(worker, 'SIGKILL')))
  }
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill(signal)
  await ended
}
