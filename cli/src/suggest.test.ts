import { expect, it } from 'vitest'
import { nearest, suggestion } from './suggest.ts'

it('suggests what a slip was meant to be, and nothing where nothing is near', () => {
  expect(nearest('dve', ['dev', 'help'])).toBe('dev')
  expect(nearest('fndings', ['findings', 'migrate'])).toBe('findings')
  expect(nearest('Reconsile', ['reconcile', 'reconciler'])).toBe('reconcile')
  expect(nearest('deploy', ['dev', 'help'])).toBeUndefined()
  expect(suggestion('prot', ['port'], '--')).toBe(' Did you mean --port?')
})
