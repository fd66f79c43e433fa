import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { makeBatch, makeEvent, nested } from '../../test/make-batch.ts'
import { checkEnvelope } from './check-batch.ts'

const process = { id: randomUUID(), service: 's' }

test.each<[string, unknown, string, string]>([
  ['an array', [], 'invalid_request', ''],
  ['null', null, 'invalid_request', ''],
  ['text', 'x', 'invalid_request', ''],
  ['depth 10,000', JSON.parse(nested(10_000)), 'invalid_request', ''],
  ['no contract', { process, events: [] }, 'invalid_request', '/contract'],
  ['a contract of the future', { contract: 2, process, events: [] }, 'unsupported_contract', '/contract'],
  ['contract 0', { contract: 0, process, events: [] }, 'unsupported_contract', '/contract'],
  ['no process', { contract: 1, events: [] }, 'invalid_request', '/process'],
  [
    'a process id that is none',
    { contract: 1, process: { id: 'x', service: 's' }, events: [] },
    'invalid_request',
    '/process/id',
  ],
  [
    'a NUL in the service',
    { contract: 1, process: { id: process.id, service: 'a\0' }, events: [] },
    'invalid_request',
    '/process/service',
  ],
  ['events that are no array', { contract: 1, process, events: {} }, 'invalid_request', '/events'],
  ['__proto__', JSON.parse('{"__proto__":{"contract":1}}'), 'invalid_request', ''],
  [
    'a deep member of no meaning',
    { contract: 1, process, events: [], x: JSON.parse(nested(10_000)) },
    'invalid_request',
    '/x',
  ],
  ['2,001 events', makeBatch(Array(2_001).fill(0)), 'body_too_large', '/events'],
])('%s is refused with its code and pointer', (_, body, code, pointer) => {
  const check = checkEnvelope(body)
  expect(check).toMatchObject({ ok: false, code })
  const at = check.ok ? undefined : check.pointer
  expect(at?.slice(0, pointer.length)).toBe(pointer)
  expect(at).toMatch(pointer === '/x' ? /^\/x(\/0)*$/ : /^(\/[a-z]+)*$|^(\/0)*$/)
})

test('an envelope says nothing of its events', () => {
  const events = [null, 7, makeEvent()]
  expect(checkEnvelope(makeBatch(events))).toMatchObject({ ok: true, events })
})

test('an empty batch is a heartbeat with the process and its books', () => {
  const books = { produced: 7, dropped: { queue_full: 2 } }
  const check = checkEnvelope({ contract: 1, process: { ...process, books }, events: [] })
  expect(check).toMatchObject({ ok: true, process: { books }, events: [] })
})

test('each version that is accepted is read, and another is told who has to be upgraded', () => {
  const next = [1, 2]
  const check = (contract: number) => checkEnvelope({ contract, process, events: [] }, next)
  expect(check(1)).toMatchObject({ ok: true })
  expect(check(2)).toMatchObject({ ok: true })
  expect(check(3)).toMatchObject({
    code: 'unsupported_contract',
    detail: expect.stringContaining('Upgrade the collectors first'),
  })
  expect(check(0)).toMatchObject({
    code: 'unsupported_contract',
    detail: expect.stringContaining('Upgrade its SDK'),
  })
})
