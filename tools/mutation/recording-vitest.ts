/** Stands in for vitest where the tests of the detectors are run only to see which histories they judge: every body runs,
 *  nothing is asserted. What is wrong with a body shows in the real run. */

type Body = (...row: never[]) => unknown
type Table = readonly unknown[]

const run = (_name: string, body: Body, row: readonly unknown[] = []): void => {
  try {
    body(...(row as never[]))
  } catch {
    // it asked for the result of an assertion
  }
}

const each = (table: Table) => (name: string, body: Body) => {
  for (const row of table) run(name, body, Array.isArray(row) ? row : [row])
}

export const test = Object.assign((name: string, body: Body) => run(name, body), { each })

export const describe = Object.assign((name: string, body: Body) => run(name, body), { each })

/** Takes any assertion and says nothing. */
export const expect: unknown = new Proxy(() => undefined, {
  get: () => expect,
  apply: () => expect,
})
