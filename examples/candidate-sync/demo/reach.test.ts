import { expect, it } from 'vitest'
import { withoutPassword } from './reach.ts'

it.each([
  ['postgres://me:pa55word@db/app', 'postgres://me:***@db/app'],
  ['postgres://db/app?user=me&password=pa55word', 'postgres://db/app?user=me&password=***'],
  ['redis://:pa55word@cache:6379/', 'redis://:***@cache:6379/'],
  ['postgres://db/app', 'postgres://db/app'],
])('shows %s without its password', (url, shown) => {
  expect(withoutPassword(url)).toBe(shown)
})
