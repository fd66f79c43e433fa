import { randomUUID } from 'node:crypto'
import type { InjectOptions } from 'fastify'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { namingProject, tenantCases } from './tenant-cases.ts'
import { openTenants, type Tenant, type Tenants } from './two-tenants.ts'

let tenants: Tenants
beforeAll(async () => {
  tenants = await openTenants()
})
afterAll(() => tenants.close())

test('every route that asks for a key has a case here, and every GET answers HEAD with the same scope', () => {
  const routes = tenants.collector.app.routeScopes.filter(({ scope }) => scope !== null)
  const named = (method: string) => routes.filter((route) => route.method === method)
  const scopes = (method: string) => Object.fromEntries(named(method).map(({ url, scope }) => [url, scope]))
  expect(scopes('HEAD')).toEqual(scopes('GET'))
  const cased = routes.filter(({ method }) => method !== 'HEAD').map(({ method, url }) => `${method} ${url}`)
  expect(cased.sort()).toEqual(Object.keys(tenantCases).sort())
})

test.each(Object.entries(tenantCases))(
  '%s: a key of another project sees nothing of this one, by whatever it asks for, and changes nothing in it',
  async (route, { asks, hits }) => {
    const { alpha, beta, shared } = await tenants.fresh()
    const requests = asks(alpha, shared)
    const before = await tenants.rowsOf(alpha)
    expect(before['syncproof.events']).toHaveLength(5)
    const answers = await askAll(beta, alpha, requests)
    for (const { status, told } of answers) {
      expect(status, told).toBeLessThan(500)
      expect(told).not.toContain(alpha.mark)
      expect(told).not.toContain(alpha.reportId)
      expect(told).not.toContain(alpha.processId)
    }
    expect(await tenants.rowsOf(alpha)).toEqual(before)

    // the same requests do find what they ask for, where they come from its own project
    for (const request of requests) {
      const { statusCode, body } = await tenants.ask(alpha, request)
      expect(statusCode, body).toBeLessThan(300)
      expect(body).toSatisfy(hits ?? ((text: string) => text.includes(alpha.mark)))
    }
    // no count, order or time of the other project's answers comes from this one either
    await tenants.forget(alpha)
    if (route.startsWith('GET ')) expect(await askAll(beta, alpha, requests)).toEqual(answers)
  },
)

/** Asks as one project what is of another, with and without naming that one as the project. */
async function askAll(as: Tenant, of: Tenant, requests: readonly InjectOptions[]) {
  const answers: { readonly status: number; readonly told: string }[] = []
  for (const request of requests.flatMap((one) => [one, ...namingProject(one, of)])) {
    const { statusCode, headers, body } = await tenants.ask(as, request)
    const told = `${statusCode} ${JSON.stringify({ ...headers, date: '' })} ${body}`
    // an export begins with what it was asked for
    answers.push({ status: statusCode, told: told.replace(/urn:uuid:[\da-f-]+|"filter":\{[^}]*\}/, '') })
  }
  return answers
}

test('an event that another project has is no duplicate: the answer says nothing of it', async () => {
  const { alpha } = await tenants.fresh()
  const before = await tenants.rowsOf(alpha)
  const key = await tenants.collector.key(`new-${randomUUID()}`)
  const request = { method: 'POST', url: '/v1/events', payload: alpha.batch } as const
  const response = await tenants.collector.send(key, request)
  expect(response.json()).toEqual({ accepted: 2, duplicates: 0, rejected: [] })
  expect(await tenants.rowsOf(alpha)).toEqual(before)
})
