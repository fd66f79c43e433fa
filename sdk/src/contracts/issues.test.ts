import { limits } from '@syncproof/core/contract'
import { expect, it } from 'vitest'
import { describeIssues } from './issues.ts'
import type { SchemaIssue } from './standard-schema.ts'

const described = (issue: object) => describeIssues([{ message: 'secret', ...issue } as SchemaIssue])[0]

it.each<[string, object, { path: string; code: string }]>([
  ['Zod', { code: 'invalid_type', path: [1, 'email'] }, { path: '/1/email', code: 'invalid_type' }],
  [
    'Valibot',
    { kind: 'validation', type: 'email', path: [{ key: 1 }, { key: 'email' }] },
    { path: '/1/email', code: 'email' },
  ],
  ['a library that gives neither path nor code', {}, { path: '', code: 'invalid' }],
])('an issue of %s is told by path and code', (_, issue, expected) => {
  expect(described(issue)).toEqual(expected)
})

it('what could be data is not told: keys that are no names, messages, codes that are text', () => {
  const path = ['ann@x.org', '555 123', Symbol('ann'), '2026-01-02', { key: { ann: 1 } }, 'name']
  expect(described({ path, code: 'got ann@x.org' })).toEqual({ path: '/*/*/*/*/*/name', code: 'invalid' })
})

it('no more issues and steps are told than an event carries', () => {
  const issue = { message: '', path: Array.from({ length: 10_000 }, () => 'step') }
  const issues = describeIssues(Array.from({ length: 10_000 }, () => issue))
  expect(issues).toHaveLength(limits.issuesPerEventMax)
  expect(issues[0]?.path.length).toBeLessThan(limits.stringLengthMax)
})
