import { expect, it } from 'vitest'
import { EventQueue } from './queue.ts'

it('holds no more bytes than its bound, and takes again what there is room for', () => {
  const queue = new EventQueue(10)
  expect([queue.push('ääää'), queue.push('abc'), queue.push('ab')]).toEqual([true, false, true])
  expect([queue.length, queue.bytes]).toEqual([2, 10])
  queue.remove(1)
  expect([queue.length, queue.bytes, queue.push('abcdefgh')]).toEqual([1, 2, true])
  expect(queue.peek(10, 100)).toEqual(['ab', 'abcdefgh'])
})

it('a batch keeps to its bounds, but holds at least one event', () => {
  const queue = new EventQueue(1_000)
  for (const line of ['aaaa', 'bbbb', 'cccc']) queue.push(line)
  expect(queue.peek(2, 100)).toEqual(['aaaa', 'bbbb'])
  expect(queue.peek(9, 10)).toEqual(['aaaa', 'bbbb'])
  expect(queue.peek(9, 1)).toEqual(['aaaa'])
})

it('long traffic leaves nothing behind', () => {
  const queue = new EventQueue(1_000)
  for (let n = 0; n < 10_000; n += 1) {
    queue.push(`line ${n}`)
    if (n % 3 === 2) queue.remove(3)
  }
  expect(queue.peek(9, 100)).toEqual(['line 9999'])
  expect(queue.bytes).toBe(9)
})
