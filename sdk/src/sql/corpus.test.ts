import { describe, expect, it } from 'vitest'
import { corpus } from './corpus.ts'
import { loadParser } from './parser.ts'
import { summary } from './summary.ts'

const parser = await loadParser()

describe.each(Object.entries(corpus))('%s', (_group, statements) => {
  it.each(statements)('%s', (sql, yields) => {
    expect(parser && summary(sql, parser.describe(sql))).toBe(yields)
  })
})

it('the corpus is of at least a hundred statements, each once', () => {
  const texts = Object.values(corpus).flatMap((statements) => statements.map(([sql]) => sql))
  expect(texts.length).toBeGreaterThanOrEqual(100)
  expect(new Set(texts).size).toBe(texts.length)
})

it('a text too long to be read is unknown, and takes no time', () => {
  const text = `INSERT INTO t VALUES ${Array.from({ length: 100_000 }, () => '(1)').join(', ')}`
  expect(parser?.describe(text)).toMatchObject({ kind: 'unknown', why: 'too long', touches: 'anything' })
})
