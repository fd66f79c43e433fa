import { expect, it } from 'vitest'
import { planFault } from './ats-faults.ts'
import { planTraffic } from './traffic.ts'

const options = {
  seed: '1',
  requests: 500,
  candidateIds: Array.from({ length: 40 }, (_, index) => `c-${index}`),
}
const requests = planTraffic(options).flat()

it('plans the same traffic for the same seed, and other traffic for another', () => {
  expect(planTraffic(options).flat()).toEqual(requests)
  expect(planTraffic({ ...options, seed: '2' }).flat()).not.toEqual(requests)
})

it('names each request once and carries the name in its body', () => {
  expect(requests).toHaveLength(500)
  expect(new Set(requests.map(({ id }) => id)).size).toBe(500)
  expect(requests.every(({ id, body }) => body.updatedBy === id)).toBe(true)
})

it('sends several requests for one candidate at once, some for the same field and some for different ones', () => {
  const together = planTraffic(options).filter((step) => step.length > 1)
  expect(together.length).toBeGreaterThan(20)
  expect(together.every((step) => new Set(step.map(({ candidateId }) => candidateId)).size === 1)).toBe(true)
  const collides = together.filter((step) => {
    const fields = step.flatMap(({ body }) => Object.keys(body).filter((field) => field !== 'updatedBy'))
    return new Set(fields).size < fields.length
  })
  expect(collides.length).toBeGreaterThan(0)
  expect(collides.length).toBeLessThan(together.length)
})

it('uses no value twice but for the stage', () => {
  const values = requests.flatMap(({ body }) =>
    Object.entries(body).flatMap(([field, value]) => (field === 'stage' ? [] : [value])),
  )
  expect(new Set(values).size).toBe(values.length)
})

it('plans each fault by seed and request alone, and all kinds of them', () => {
  const kinds = requests.map(({ id }) => planFault('1', id, 3_000).kind)
  expect(requests.map(({ id }) => planFault('1', id, 3_000).kind)).toEqual(kinds)
  expect(new Set(kinds)).toEqual(new Set(['none', 'reject', 'lose-request', 'lose-reply', 'late']))
  expect(kinds.filter((kind) => kind === 'none').length).toBeGreaterThan(400)
})
