import { fork } from 'node:child_process'
import { join } from 'node:path'
import { type Job, type Outcome, READY } from './job.ts'

/** One mutant takes a second or two of processor time; a loop without an end takes for ever. */
const SILENCE_MS_MAX = 180_000

/** Tries mutants in as many processes as asked for. One that does not come to an end is ended with its process, counts as
 *  `throws`, and another process goes on behind it. */
export async function tryAll(job: Job, processes: number): Promise<readonly Outcome[]> {
  const shares = Array.from({ length: processes }, (_, share) =>
    job.ids.filter((_, index) => index % processes === share),
  )
  return (await Promise.all(shares.map((ids) => tryShare({ ...job, ids })))).flat()
}

async function tryShare(job: Job): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = []
  while (outcomes.length < job.ids.length) {
    const ids = job.ids.slice(outcomes.length)
    const hung = await runWorker({ ...job, ids }, (outcome) => outcomes.push(outcome))
    const [next] = job.ids.slice(outcomes.length)
    if (hung && next !== undefined)
      outcomes.push({ id: next, simulated: {}, cases: { throws: 'never comes to an end' } })
  }
  return outcomes
}

/** @returns whether it had to be ended */
function runWorker(job: Job, onOutcome: (outcome: Outcome) => void): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const child = fork(join(import.meta.dirname, 'worker.ts'), {
      execArgv: ['--disable-warning=ExperimentalWarning'],
    })
    let hung = false
    const end = () => {
      hung = true
      child.kill('SIGKILL')
    }
    let silence: NodeJS.Timeout | undefined
    child.on('message', (outcome) => {
      clearTimeout(silence)
      silence = setTimeout(end, SILENCE_MS_MAX)
      // the first one only says that it begins
      if (outcome !== READY) onOutcome(outcome as Outcome)
    })
    child.once('exit', (code) => {
      clearTimeout(silence)
      if (code === 0 || hung) resolve(hung)
      else reject(new Error(`a worker ended with ${code}`))
    })
    child.send(job)
  })
}
