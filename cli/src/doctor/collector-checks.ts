import { errorCatalogue } from '@syncproof/core/contract/errors'
import { type Answer, saidBy } from './ask/ask-collector.ts'
import { type Check, fail, pass, unable, warn } from './check.ts'
import { clockCheck } from './server-checks.ts'

const NAME = 'collector'
/** `Date` tells whole seconds. */
const DATE_MS = 999

/** @param answer to /readyz, or why there was none */
export function readyChecks(url: string, answer: Answer | string): readonly Check[] {
  if (typeof answer === 'string')
    return [
      unable(
        fail(
          NAME,
          `No answer from ${url}: ${answer}.`,
          'Start it with `syncproof collector`, or mend SYNCPROOF_URL.',
        ),
      ),
    ]
  const clock = answer.date === null ? Number.NaN : Date.parse(answer.date)
  return [
    readyCheck(url, answer),
    ...(Number.isNaN(clock)
      ? []
      : [clockCheck('collector', [clock, clock + DATE_MS], answer.beforeMs, answer.afterMs)]),
  ]
}

function readyCheck(url: string, answer: Answer): Check {
  const { status, body } = answer
  const isOurs = body?.status === 'ok' || typeof body?.code === 'string'
  if (!isOurs)
    return fail(
      NAME,
      `${url} answers /readyz with ${status} and no Syncproof document.`,
      'SYNCPROOF_URL must be the address of a collector, without a path.',
    )
  if (status !== 200)
    return fail(
      NAME,
      `${url} is not ready: ${saidBy(answer)}.`,
      'Look in its log, and at the lines of its database here.',
    )
  const { replica } = body
  if (replica === undefined || replica === 'ok') return pass(NAME, `${url} is ready.`)
  return warn(
    NAME,
    `${url} is ready, and its read replica is not: ${replica}. Reports are read from the database meanwhile.`,
    'Mend the replica that --read-database names, or leave it out.',
  )
}

/** @param answer to a request that needs the scope `read` */
export function apiKeyCheck(answer: Answer | string): Check {
  const name = 'API key'
  if (typeof answer === 'string')
    return unable(
      fail(name, `The collector did not say whether it knows the key: ${answer}.`, 'Look in its log.'),
    )
  const { status, body } = answer
  if (status === 200) return pass(name, 'The key in SYNCPROOF_API_KEY is known, and may read.')
  if (status === 403 && body?.code === 'forbidden')
    return pass(name, "The key in SYNCPROOF_API_KEY is known; it may not read, as an app's need not.")
  const code = String(body?.code)
  const mend =
    code in errorCatalogue ? errorCatalogue[code as keyof typeof errorCatalogue].solve : 'Look in its log.'
  if (status === 401)
    return fail(name, `The collector does not take the key in SYNCPROOF_API_KEY: ${saidBy(answer)}.`, mend)
  return unable(fail(name, `The collector did not say whether it knows the key: ${saidBy(answer)}.`, mend))
}
