import { describe, expect, it } from 'vitest'
import { decideOverwrittenBySelf, fullXid, shortXid } from './overwritten-by-self.ts'

const facts = { current: 1_000n, status: null, isolation: 'read committed' }

describe('whether a version was replaced by the transaction that made it', () => {
  it('the own id is; an earlier one is not', () => {
    expect(decideOverwrittenBySelf({ ...facts, xmin: 1_000n })).toBe(true)
    expect(decideOverwrittenBySelf({ ...facts, xmin: 999n })).toBe(false)
  })

  it('a later id is a savepoint of its own where it has not ended', () => {
    expect(decideOverwrittenBySelf({ ...facts, xmin: 1_001n, status: 'in progress' })).toBe(true)
    expect(decideOverwrittenBySelf({ ...facts, xmin: 1_001n, status: 'committed' })).toBe(false)
  })

  it('a later id that the statement could not ask of is asked again, or decided by the isolation', () => {
    expect(decideOverwrittenBySelf({ ...facts, xmin: 1_001n })).toBe('ask')
    expect(decideOverwrittenBySelf({ ...facts, xmin: 1_001n, isolation: 'serializable' })).toBe(true)
  })

  it('a later id that the statement did not ask of is asked, whatever the isolation', () => {
    expect(decideOverwrittenBySelf({ ...facts, xmin: 1_001n, status: undefined })).toBe('ask')
    const serializable = { ...facts, status: undefined, isolation: 'serializable' }
    expect(decideOverwrittenBySelf({ ...serializable, xmin: 1_001n })).toBe('ask')
    expect(decideOverwrittenBySelf({ ...serializable, xmin: 999n })).toBe(false)
  })

  it('ids compare across the end of their 32 bits', () => {
    const current = 2n ** 32n + 5n
    expect(fullXid(2n ** 32n - 1n, current)).toBe(2n ** 32n - 1n)
    expect(fullXid(7n, current)).toBe(2n ** 32n + 7n)
    expect(decideOverwrittenBySelf({ ...facts, current, xmin: 5n })).toBe(true)
    expect(decideOverwrittenBySelf({ ...facts, current, xmin: 2n ** 32n - 1n })).toBe(false)
    expect(shortXid(current)).toBe('5')
  })

  it('a row as old as the cluster is nobody’s of the present', () => {
    expect(decideOverwrittenBySelf({ ...facts, xmin: 2n, current: 2n ** 31n + 1n })).toBe(false)
  })
})
