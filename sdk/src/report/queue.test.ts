import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import { EventQueue } from './queue.ts'

it('holds no more bytes than its bound, and takes again what there is room for', () => {
  const queue = new EventQueue(2 * 40 + 10)
  expect([queue.push('äää'), queue.push('abcde'), queue.push('abcd')]).toEqual([true, false, true])
  expect([queue.length, queue.bytes, queue.isFull]).toEqual([2, 90, true])
  queue.remove(1)
  expect([queue.length, queue.bytes, queue.push('abcdef')]).toEqual([1, 44, true])
  expect(queue.peek(10, 100)).toEqual(['abcd', 'abcdef'])
})

it('its bytes are those that the heap grows by, for plain text and for any other', () => {
  setFlagsFromString('--expose-gc')
  const gc: () => void = runInNewContext('gc')
  for (const text of ['a'.repeat(300), 'ü'.repeat(300), '\u4e2d'.repeat(300)]) {
    const queue = new EventQueue(32 * 1024 * 1024)
    gc()
    const before = process.memoryUsage().heapUsed
    for (let n = 0; n < 20_000; n += 1) queue.push(JSON.stringify({ n, text }))
    gc()
    const grown = process.memoryUsage().heapUsed - before
    expect(queue.length).toBe(20_000)
    expect(grown).toBeLessThan(queue.bytes * 1.05)
    // Latin-1 that is not ASCII is counted twice: telling it apart would cost every event a walk
    expect(grown).toBeGreaterThan(queue.bytes * 0.45)
  }
})

it('a batch keeps to its bounds, but holds at least one event', () => {
  const queue = new EventQueue(10_000)
  for (const line of ['aaaa', 'bbbb', 'cccc']) queue.push(line)
  expect(queue.peek(2, 100)).toEqual(['aaaa', 'bbbb'])
  expect(queue.peek(9, 10)).toEqual(['aaaa', 'bbbb'])
  expect(queue.peek(9, 1)).toEqual(['aaaa'])
})

it('long traffic leaves nothing behind', () => {
  const queue = new EventQueue(10_000)
  for (let n = 0; n < 10_000; n += 1) {
    queue.push(`line ${n}`)
    if (n % 3 === 2) queue.remove(3)
  }
  expect(queue.peek(9, 100)).toEqual(['line 9999'])
  expect(queue.bytes).toBe(49)
})
