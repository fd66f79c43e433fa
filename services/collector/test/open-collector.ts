import type { Scope, Store } from '@syncproof/store'
import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify'
import { Registry } from 'prom-client'
import { expect } from 'vitest'
import type { OpenFreshStore } from '../../../tools/testing/stores.ts'
import { buildCollector, type CollectorOptions } from '../src/index.ts'

export interface OpenedCollector {
  readonly app: FastifyInstance
  readonly store: Store
  readonly metrics: Registry
  /** Makes a key of these scopes; all of them where none is named. */
  key(project: string, ...scopes: Scope[]): Promise<string>
  /** Sends with a key. */
  send(key: string, options: InjectOptions): Promise<LightMyRequestResponse>
  close(): Promise<void>
}

/** A collector on a fresh store. */
export async function openCollector(
  openStore: OpenFreshStore,
  options: Partial<CollectorOptions> = {},
): Promise<OpenedCollector> {
  const opened = await openStore()
  const metrics = new Registry()
  const app = await buildCollector({ store: opened.store, metrics, ...options })
  let keys = 0
  return {
    app,
    store: opened.store,
    metrics,
    async key(project, ...scopes) {
      const all: Scope[] = ['ingest', 'read', 'admin']
      const made = await opened.store.keys.create(project, `test ${keys++}`, scopes.length > 0 ? scopes : all)
      return made.key
    },
    send: (key, request) =>
      app.inject({ ...request, headers: { ...request.headers, authorization: `Bearer ${key}` } }),
    async close() {
      await app.close()
      await opened.close()
    },
  }
}

/** What every problem document must be; returns it for further checks. */
export function problemOf(response: LightMyRequestResponse): Record<string, unknown> {
  const problem = response.json<Record<string, unknown>>()
  const expected = {
    contentType: 'application/problem+json',
    status: response.statusCode,
    type: `/errors/${String(problem.code)}`,
    instance: expect.stringMatching(/^urn:uuid:[0-9a-f-]{36}$/),
    title: expect.any(String),
    detail: expect.any(String),
  }
  expect({ contentType: response.headers['content-type'], ...problem }).toMatchObject(expected)
  return problem
}
