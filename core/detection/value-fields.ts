import type { StoredOf } from './events.ts'

/** The fields that a write assigned a value computed in the app, by name. */
export function valueFieldsOf(write: StoredOf<'write'>): string[] {
  const { assigned } = write
  return Object.keys(assigned)
    .filter((field) => assigned[field] === 'value')
    .sort()
}
