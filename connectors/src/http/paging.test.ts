import { expect, it } from 'vitest'
import { nextLink } from './paging.ts'

const here = new URL('https://ats.example/people?page=1')

it.each([
  ['<https://ats.example/people?page=2>; rel="next"', 'https://ats.example/people?page=2'],
  ['</people?page=2>; rel=next', 'https://ats.example/people?page=2'],
  ['<?page=2>; title="a, b; rel=\\"x\\""; rel="last next"', 'https://ats.example/people?page=2'],
  [
    '<?page=1>; rel="first", <?a=1,2&page=2>; REL="Next", <?page=9>; rel=last',
    'https://ats.example/people?a=1,2&page=2',
  ],
  ['<?page=9>; rel="last"', undefined],
  ['<?page=9>; rel="nextish"', undefined],
  ['', undefined],
  [null, undefined],
])('the next link of %j is %j', (header, expected) => {
  expect(nextLink(header, here)?.href).toBe(expected)
})

it('a next link that is no address is told apart from none', () => {
  expect(nextLink('<http://[>; rel="next"', here)).toBeNull()
})
