import type { StoredOf } from './events.ts'

/** The fields that a write assigned a value computed in the app, by name. */
export function valueFieldsOf(write: StoredOf<'write'>): string[] {
  return Object.entries(write.assigned)
    .filter(([, assignment]) => assignment === 'value')
    .map(([field]) => field)
    .sort()
}
