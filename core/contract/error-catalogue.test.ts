import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { errorCatalogue } from './error-catalogue.ts'
import { limits } from './limits.ts'

const page = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8')
const documented = Object.fromEntries(
  page
    .split(/^## /m)
    .slice(1)
    .map((section) => {
      const [code = '', , facts = '', , ...rest] = section.trimEnd().split('\n')
      const [, status, title] = /^\*\*(\d{3})\*\* (.*)\.$/.exec(facts) ?? []
      return [code, { status: Number(status), title, solve: rest.join('\n') }]
    }),
)

test('docs/errors.md has every error that can be answered, as it is answered, and no other', () => {
  expect(documented).toEqual(errorCatalogue)
})

test('every error says how to solve it, and has the status of an error', () => {
  for (const { status, solve } of Object.values(errorCatalogue)) {
    expect(status).toBeGreaterThanOrEqual(400)
    expect(status).toBeLessThan(600)
    expect(solve).toMatch(/\.$/)
  }
})

test('the limits that an error names are the ones that hold', () => {
  const megabytes = (bytes: number) => `${bytes / 1024 / 1024} MiB`
  const { solve } = errorCatalogue.body_too_large
  expect(solve).toContain(`${limits.eventsPerBatchMax.toLocaleString('en')} events`)
  expect(solve).toContain(megabytes(limits.bodyBytesMax))
  expect(solve).toContain(megabytes(limits.inflatedBytesMax))
})
