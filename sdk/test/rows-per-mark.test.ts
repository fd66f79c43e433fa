import { expect, it } from 'vitest'
import { now } from '../src/clock.ts'
import { type Context, currentContext } from '../src/operation/context.ts'
import { reportRead, reportWrite } from '../src/operation/report-row.ts'
import { recordedClient } from './recorded-client.ts'

const ROWS = 101

const statement = { sentAt: now(), durationUs: 1, sentOrder: 0, transaction: 'none' as const }
const state = (n: number) => ({
  record: { n },
  xmin: '7',
  row: { database: 'd', table: 't', key: String(n) },
})

it('a mark says aloud that it reports a hundred rows of more', async () => {
  const { server, syncproof, warnings } = await recordedClient()
  const rows = Array.from({ length: ROWS }, (_, n) => n)
  const context = () => currentContext() as Context
  const work = syncproof.wrap(
    () => {
      syncproof.read('db', () => {
        for (const n of rows) reportRead(context(), { ...statement, found: state(n) })
      })
      syncproof.write('db', {}, () => {
        for (const n of rows)
          reportWrite(context(), {
            ...statement,
            action: 'update',
            outcome: 'ok',
            data: { n },
            before: undefined,
            after: state(n),
            transactionIds: [],
            mayHideVersion: false,
            target: String(n),
          })
      })
    },
    { entity: () => ({ type: 'thing', id: 'a' }), name: 'work' },
  )
  work()
  await syncproof.flush()
  expect([server.ofKind('read').length, server.ofKind('write').length]).toEqual([100, 100])
  expect(warnings.map(({ code, message }) => [code, message.slice(0, 44)])).toEqual([
    ['rows_over_limit', "a read of 'db', and maybe others, is of more"],
  ])
})
