import { expect, it } from 'vitest'
import { DemoUsageError, readOptions } from './options.ts'

const read = (...words: string[]) => readOptions(words, () => 'fresh')

it('listens where the documents say, and on free ports where it ends by itself', () => {
  expect(read()).toMatchObject({ once: false, port: 4319, metricsPort: 4320, requests: 800, seed: 'fresh' })
  expect(read('--once')).toMatchObject({ once: true, port: 0, metricsPort: 0 })
  expect(read('--once', '--port', '5000')).toMatchObject({ port: 5000 })
})

it('takes a seed as it is given', () => {
  expect(read('--seed', 'abc')).toMatchObject({ seed: 'abc' })
})

it.each([
  [['--reqests', '3'], '--reqests'],
  [['--requests', 'many'], '--requests must be a whole number from 1 to 100000, not "many"'],
  [['--port', '70000'], '--port must be'],
  [['--database', 'mysql://x'], '--database must be a URL such as postgres://localhost'],
  [['--redis', 'here'], '--redis must be a URL'],
])('says what is wrong with %j', (words, message) => {
  expect(() => read(...words)).toThrow(DemoUsageError)
  expect(() => read(...words)).toThrow(message)
})
