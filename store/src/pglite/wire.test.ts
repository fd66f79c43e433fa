import { expect, it } from 'vitest'
import { completed, frame, ROLLBACK, readResponse, subscriptionIn, WELCOME } from './wire.ts'

const query = (sql: string) => {
  const body = Buffer.from(`${sql}\0`)
  const header = Buffer.alloc(5)
  header.write('Q')
  header.writeUInt32BE(body.length + 4, 1)
  return Buffer.concat([header, body])
}

it('messages are found however the bytes were cut', () => {
  const bytes = Buffer.concat([ROLLBACK, query('select 1')])
  for (let cut = 0; cut <= bytes.length; cut++) {
    const first = frame(bytes.subarray(0, cut))
    const second = frame(Buffer.concat([first.rest, bytes.subarray(cut)]))
    expect(Buffer.concat([...first.messages, ...second.messages])).toEqual(bytes)
    expect(second.rest).toHaveLength(0)
  }
})

it('a response says whether a transaction is open, and whom to notify', () => {
  const notification = Buffer.from('A\0\0\0\x10\0\0\0\x2ajobs\0one\0', 'latin1')
  notification.writeUInt32BE(notification.length - 1, 1)
  const response = Buffer.concat([WELCOME, notification, completed('SELECT 1', 'T')])
  const { status, notifications, rest } = readResponse(response)
  expect(status).toBe('T')
  expect(notifications).toEqual([{ channel: 'jobs', message: notification }])
  expect(Buffer.concat(rest)).toEqual(Buffer.concat([WELCOME, completed('SELECT 1', 'T')]))
  expect(readResponse(Buffer.alloc(0)).status).toBeUndefined()
})

it.each([
  ['LISTEN jobs', { channel: 'jobs', listen: true }],
  ['-- why\n-- more\nlisten "Jobs";\n', { channel: 'Jobs', listen: true }],
  ['UNLISTEN Jobs', { channel: 'jobs', listen: false }],
  ['unlisten *;', { channel: '*', listen: false }],
  ['select listen jobs', undefined],
  ['listen a; listen b', undefined],
])('%j is read as a subscription', (sql, subscription) => {
  expect(subscriptionIn(query(sql))).toEqual(subscription)
})
