import swagger from '@fastify/swagger'
import type { FastifyInstance } from 'fastify'
import { createJsonSchemaTransform, createJsonSchemaTransformObject } from 'fastify-type-provider-zod'
import { globalRegistry } from 'zod'
import type { RegistryToJSONSchemaParams } from 'zod/v4/core'
import manifest from '../package.json' with { type: 'json' }
import { components } from './schemas/registry.ts'

/** Collects the routes that are registered after this and serves them as OpenAPI 3.1 at `/openapi.json`. */
export async function serveOpenApi(app: FastifyInstance): Promise<void> {
  const options = { schemaRegistry: components, zodToJsonConfig: { override: addMetadata } }
  const transformObject = createJsonSchemaTransformObject(options)
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Syncproof',
        version: manifest.version,
        description:
          'Ingest and report API. Lists are pages { items, next_cursor }. Every error is a problem document (RFC 9457) with a stable code.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: '/' }],
      components: {
        securitySchemes: {
          apiKey: {
            type: 'http',
            scheme: 'bearer',
            description:
              'A key of Syncproof. The scopes that a route needs stand in its security requirement.',
          },
        },
      },
    },
    transform: createJsonSchemaTransform(options),
    transformObject: (document) => onlyReferenced(transformObject(document)),
  })
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger())
}

type JsonSchemaOverride = NonNullable<RegistryToJSONSchemaParams['override']>

/** What `.meta()` says of a schema: with a registry of components of its own, the transform would leave it out. */
const addMetadata: JsonSchemaOverride = ({ zodSchema, jsonSchema }) => {
  Object.assign(jsonSchema, globalRegistry.get(zodSchema))
}

interface Components {
  readonly components?: { readonly schemas?: Readonly<Record<string, unknown>> }
}

const REFERENCE = /"\$ref":"#\/components\/schemas\/([^"]+)"/g

/** The transform makes a component of each schema twice, as input and as output; most are used as one of them. */
function onlyReferenced<T extends object>(document: T): T {
  const { components = {} } = document as Components
  const all = components.schemas ?? {}
  const used = new Set<string>()
  const queue: unknown[] = [{ ...document, components: undefined }]
  for (let part = queue.pop(); part !== undefined; part = queue.pop()) {
    for (const [, name = ''] of JSON.stringify(part).matchAll(REFERENCE)) {
      if (!used.has(name)) queue.push(all[name])
      used.add(name)
    }
  }
  const schemas = Object.fromEntries(Object.entries(all).filter(([name]) => used.has(name)))
  return { ...document, components: { ...components, schemas } }
}
