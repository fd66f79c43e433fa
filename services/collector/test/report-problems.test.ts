import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eachEngine } from '../../../tools/testing/stores.ts'
import { type OpenedCollector, openCollector, problemOf } from './open-collector.ts'
import { pair } from './pair.ts'

eachEngine('what the report API refuses', (openStore) => {
  let collector: OpenedCollector
  let key: string
  beforeAll(async () => {
    collector = await openCollector(openStore)
    key = await collector.key('default')
    await collector.store.reports.declarePairs('default', [pair])
  })
  afterAll(() => collector.close())

  test('a cursor of one list, or none at all, is a problem with the name of the parameter', async () => {
    for (const cursor of ['x', 'WyJhIl0', '%00']) {
      for (const list of ['findings', 'operations', 'reports', 'processes', 'sections', 'finding-groups']) {
        const response = await collector.send(key, { method: 'GET', url: `/v1/${list}?cursor=${cursor}` })
        expect(response.statusCode, list).toBe(400)
        expect(problemOf(response)).toMatchObject({ code: 'invalid_request', parameter: 'cursor' })
      }
    }
  })

  test.each([
    ['GET', '/v1/findings?limit=0', 400, 'invalid_request', { parameter: 'limit' }],
    ['GET', '/v1/findings?limit=501', 400, 'invalid_request', { parameter: 'limit' }],
    ['GET', '/v1/findings?limit=1&limit=2', 400, 'invalid_request', { parameter: 'limit' }],
    ['GET', '/v1/findings?kind=zz', 400, 'invalid_request', { parameter: 'kind' }],
    ['GET', '/v1/findings?verdict=maybe', 400, 'invalid_request', { parameter: 'verdict' }],
    ['GET', '/v1/findings?severity=high', 400, 'invalid_request', { parameter: 'severity' }],
    ['GET', '/v1/findings?since=yesterday', 400, 'invalid_request', { parameter: 'since' }],
    ['GET', '/v1/findings?since=0000-01-01T00:00:00Z', 400, 'invalid_request', { parameter: 'since' }],
    ['GET', '/v1/findings?since=2026-01-01T00:00:00%2B23:00', 200, undefined, {}],
    ['GET', '/v1/findings?entity_id=%00', 400, 'invalid_request', { parameter: 'entity_id' }],
    ['GET', '/v1/findings/%00', 400, 'invalid_request', { parameter: 'id' }],
    ['GET', '/v1/findings/%ff', 400, 'invalid_request', {}],
    ['GET', '/v1/findings/f_nothing', 404, 'not_found', { parameter: 'id' }],
    ['GET', '/v1/operations?since=0', 400, 'invalid_request', { parameter: 'since' }],
    ['GET', '/v1/sections?release=%00', 400, 'invalid_request', { parameter: 'release' }],
    ['GET', '/v1/sections?since=0', 400, 'invalid_request', { parameter: 'since' }],
    ['GET', '/v1/reports/nothing', 404, 'not_found', { parameter: 'id' }],
    ['GET', `/v1/reports/${randomUUID()}/divergences`, 404, 'not_found', { parameter: 'id' }],
    ['GET', '/v1/pairs?name=x', 400, 'invalid_request', { parameter: 'name' }],
    ['GET', '/v1/entities/candidate/%00/timeline', 400, 'invalid_request', { parameter: 'id' }],
    ['GET', '/v1/processes?cursor=', 400, 'invalid_request', { parameter: 'cursor' }],
    ['GET', '/v1/nothing', 404, 'not_found', {}],
    ['DELETE', '/v1/findings', 404, 'not_found', {}],
  ] as const)('%s %s answers %i', async (method, url, status, code, more) => {
    const response = await collector.send(key, { method, url })
    expect(response.statusCode, response.body).toBe(status)
    if (code !== undefined) expect(problemOf(response)).toMatchObject({ code, ...more })
  })

  test.each<['POST' | 'PATCH', string, string, number, string, string | undefined]>([
    ['POST', '/v1/reconciliations', '{', 400, 'malformed_json', undefined],
    ['POST', '/v1/reconciliations', '{}', 400, 'invalid_request', '/pair'],
    ['POST', '/v1/reconciliations', '{"pair":"a\\u0000"}', 400, 'invalid_request', '/pair'],
    ['POST', '/v1/reconciliations', '{"pair":"candidate","keys":[]}', 400, 'invalid_request', '/keys'],
    ['POST', '/v1/reconciliations', '{"pair":"candidate","keys":["1",2]}', 400, 'invalid_request', '/keys/1'],
    [
      'POST',
      '/v1/reconciliations',
      '{"pair":"candidate","project":"other"}',
      400,
      'invalid_request',
      '/project',
    ],
    ['POST', '/v1/reconciliations', '{"pair":"nothing"}', 404, 'pair_not_found', '/pair'],
    ['POST', '/v1/reconciliations', `${' '.repeat(300_000)}{}`, 413, 'body_too_large', undefined],
    ['PATCH', '/v1/findings/f_nothing', '{}', 400, 'invalid_request', ''],
    ['PATCH', '/v1/findings/f_nothing', '{"status":"resolved"}', 400, 'invalid_request', '/status'],
    ['PATCH', '/v1/findings/f_nothing', '{"verdict":"hazard"}', 400, 'invalid_request', '/verdict'],
    ['PATCH', '/v1/findings/f_nothing', '{"note":"x"}', 404, 'not_found', undefined],
  ])('%s %s with %s answers %i', async (method, url, payload, status, code, pointer) => {
    const response = await collector.send(key, {
      method,
      url,
      payload,
      headers: { 'content-type': 'application/json' },
    })
    expect(response.statusCode, response.body).toBe(status)
    const problem = problemOf(response)
    expect(problem.code).toBe(code)
    if (pointer !== undefined) expect(problem.pointer).toBe(pointer)
  })
})
