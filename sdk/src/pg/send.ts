import { readMember } from '../operation/outcome.ts'
import { type Answer, type DriverResult, readAnswer } from './answer.ts'
import type { Rewritten } from './rewrite.ts'
import { castColumnOf, type Sent } from './sent.ts'

export interface Sending {
  readonly result: DriverResult
  /** Absent where the statement ran as it is. */
  readonly rows?: Answer['rows'] | undefined
}

/** SQLSTATE classes of errors that PostgreSQL finds before it runs anything: about what the text means, what it
 *  needs of rights and features, its limits, and the parameters that it was given. */
const BEFORE_EXECUTION = /^(?:42|0A|54|26)|^08P01$/

/** Changed beyond use, gone (DEALLOCATE, a pooler), made by somebody else. */
const PREPARED_LOST: ReadonlySet<string> = new Set(['0A000', '26000', '42P05'])

/** Runs a statement, so that it also brings evidence where that changes nothing for the app. */
export async function send(
  sent: Sent,
  rewritten: Rewritten | undefined,
  returnsRows: boolean,
): Promise<Sending> {
  const { connection, call, table, context } = sent
  connection.transaction?.observe(context, undefined)
  if (!rewritten || !table) return { result: await connection.plain(call) }
  // a prepared one fails where its table got a column: in a transaction that would be the end of it
  const name = sent.transaction === 'none' ? connection.preparedName(rewritten.name) : undefined
  const args = call.rewritten(rewritten.text, name)
  let answer: DriverResult
  try {
    answer = (await connection.client.query(...args)) as DriverResult
  } catch (error) {
    const code = readMember(error, 'code')
    // with no transaction around it the app's own statement can be asked for the answer
    if (sent.transaction === 'none' && typeof code === 'string' && BEFORE_EXECUTION.test(code)) {
      if (name !== undefined && PREPARED_LOST.has(code)) {
        connection.lostPrepared()
        return send(sent, rewritten, returnsRows)
      }
      return { result: await connection.plain(call) }
    }
    mapPosition(error, rewritten)
    throw error
  }
  return readAnswer(answer, rewritten, table, returnsRows, call.rowMode, castColumnOf(sent))
}

/** The error tells a place in the text: the user's, and how long the answer with it was. */
function mapPosition(error: unknown, rewritten: Rewritten): void {
  const told = readMember(error, 'position')
  if (typeof told !== 'string' || !(error instanceof Error)) return
  const position = String(rewritten.originalPosition(Number(told)) ?? '')
  const length = readMember(error, 'length')
  if (typeof length === 'number') Object.assign(error, { length: length - told.length + position.length })
  Object.assign(error, { position: position || undefined })
}
