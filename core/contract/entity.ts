/** A record that lives in more than one system: `{ type: 'candidate', id: '42' }`. */
export interface EntityRef {
  readonly type: string
  readonly id: string
}

/** One string for an entity, for use as a map key. Injective: the type's length comes first. */
export function entityKey(entity: EntityRef): string {
  return `${entity.type.length}:${entity.type}:${entity.id}`
}
