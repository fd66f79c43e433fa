import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import { EventQueue } from './queue.ts'

const peek = (queue: EventQueue, eventsMax: number, bytesMax: number) => {
  const { count, pieces } = queue.peek(eventsMax, bytesMax)
  return [count, Buffer.concat(pieces).toString()]
}

it('holds no more bytes than its bound, and takes again what there is room for', () => {
  // a comma, and 16 bytes for each
  const queue = new EventQueue(2 * 17 + 10)
  expect([queue.push('ää', 0), queue.push('abcdefg', 1), queue.push('abcdef', 2)]).toEqual([
    true,
    false,
    true,
  ])
  expect([queue.length, queue.bytes, queue.isFull]).toEqual([2, 44, true])
  expect(queue.remove(1)).toBe(0)
  expect([queue.length, queue.bytes, queue.push('abcd', 3)]).toEqual([1, 23, true])
  expect(peek(queue, 10, 100)).toEqual([2, 'abcdef,abcd'])
})

it('takes no more memory than its bytes and a page, for plain text and for any other', () => {
  setFlagsFromString('--expose-gc')
  const gc: () => void = runInNewContext('gc')
  for (const text of ['a'.repeat(300), 'ü'.repeat(300), '\u4e2d'.repeat(300)]) {
    const queue = new EventQueue(32 * 1024 * 1024)
    const used = () => {
      gc()
      const { heapUsed, arrayBuffers } = process.memoryUsage()
      return heapUsed + arrayBuffers
    }
    const before = used()
    for (let n = 0; n < 20_000; n += 1) queue.push(JSON.stringify({ n, text }), n)
    const grown = used() - before
    expect(queue.length).toBe(20_000)
    // a page is left when the next event might not fit
    expect(grown).toBeLessThan(queue.bytes * 1.1 + 512 * 1024)
  }
})

it('a batch keeps to its bounds, but holds at least one event', () => {
  const queue = new EventQueue(10_000)
  for (const [seq, line] of ['aaaa', 'bbbb', 'cccc'].entries()) queue.push(line, seq)
  expect(peek(queue, 2, 100)).toEqual([2, 'aaaa,bbbb'])
  expect(peek(queue, 9, 10)).toEqual([2, 'aaaa,bbbb'])
  expect(peek(queue, 9, 1)).toEqual([1, 'aaaa'])
  expect(peek(new EventQueue(10), 9, 9)).toEqual([0, ''])
})

it('events of any size and script come out as they went in, whatever pages they lie on', () => {
  const queue = new EventQueue(64 * 1024 * 1024)
  const lines = Array.from({ length: 2_000 }, (_, n) => `${n}${'aä中😀'.repeat((n * 37) % 900)}`)
  lines.push('x'.repeat(300_000), 'end')
  // the second time, others were on the pages before
  for (const sent of [lines, lines.toReversed()]) {
    for (const [seq, line] of sent.entries()) expect(queue.push(line, seq)).toBe(true)
    expect([...queue.entries()]).toEqual(sent.map((line, seq) => [line, seq]))
    const seen: string[] = []
    while (queue.length > 0) {
      const { count, pieces } = queue.peek(500, 1024 * 1024)
      const text = Buffer.concat(pieces).toString()
      expect(text.split(',')).toHaveLength(count)
      seen.push(text)
      expect(queue.remove(count)).toBe(lines.length - queue.length - 1)
    }
    expect(seen.join()).toBe(sent.join())
    expect(queue.bytes).toBe(0)
  }
})

it('what is being sent stays as it is while others come', () => {
  const queue = new EventQueue(10_000)
  queue.push('first', 0)
  const { pieces } = queue.peek(9, 100)
  for (let n = 1; n < 100; n += 1) queue.push(`line ${n}`, n)
  expect(Buffer.concat(pieces).toString()).toBe('first')
  queue.remove(1)
  expect(peek(queue, 1, 100)).toEqual([1, 'line 1'])
})

it('long traffic leaves nothing behind', () => {
  const queue = new EventQueue(10_000)
  for (let n = 0; n < 10_000; n += 1) {
    queue.push(`line ${n}`, n)
    if (n % 3 === 2) queue.remove(3)
  }
  expect(peek(queue, 9, 100)).toEqual([1, 'line 9999'])
  expect(queue.bytes).toBe(26)
})
