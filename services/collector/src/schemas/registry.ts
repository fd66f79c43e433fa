import { z } from 'zod'

/** Schemas that stand in the OpenAPI document as components, by name. */
export const components = z.registry<{ id: string }>()

/** Names a schema in the OpenAPI document. */
export function component<T extends z.ZodType>(id: string, schema: T): T {
  components.add(schema, { id })
  return schema
}
