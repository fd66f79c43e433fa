import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { sayOnce } from './say-once.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const QUIET_MS = 10_000
const mismatch = (job: number) => `queue: Lock mismatch for job ${job}. Cmd moveToFinished from active`

function listen() {
  const said: string[] = []
  return { said, log: sayOnce((line) => said.push(line), QUIET_MS) }
}

it('says a failure that keeps coming back once, and how often it came when it is over', () => {
  const { said, log } = listen()
  for (let job = 0; job < 47; job++) {
    log.say(mismatch(job))
    vi.advanceTimersByTime(QUIET_MS / 2)
  }
  expect(said).toEqual([mismatch(0)])
  vi.advanceTimersByTime(QUIET_MS)
  expect(said[1]).toBe(
    'queue: Lock mismatch for job …. Cmd moveToFinished from active (46 more times, and not any more)',
  )
  log.say(mismatch(48))
  expect(said.slice(2)).toEqual([mismatch(48)])
})

it('says of all lanes together what fails in each', () => {
  const { said, log } = listen()
  for (const lane of [0, 1, 2]) log.say(`lane ${lane}: a detection step failed: connect ECONNREFUSED`)
  log.close()
  expect(said[0]).toBe('lane 0: a detection step failed: connect ECONNREFUSED')
  expect(said.slice(1)).toEqual([
    'lane …: a detection step failed: connect ECONNREFUSED (2 more times, and not any more)',
  ])
})

it('says each line that is another, and nothing more of one that came once', () => {
  const { said, log } = listen()
  for (const line of ['queue: a', 'queue: b']) log.say(line)
  vi.advanceTimersByTime(QUIET_MS)
  expect(said).toEqual(['queue: a', 'queue: b'])
})

it('tells the open counts when it is closed, and holds a bounded number of lines', () => {
  const { said, log } = listen()
  for (let round = 0; round < 2; round++) for (let n = 0; n < 200; n++) log.say(`line ${n}`)
  expect(said).toHaveLength(300)
  log.close()
  expect(said).toHaveLength(400)
  expect(vi.getTimerCount()).toBe(0)
})
