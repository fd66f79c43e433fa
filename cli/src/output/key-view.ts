import type { ApiKey } from '@syncproof/store'
import { flow } from './flow.ts'
import type { Paint } from './terminal.ts'
import { printable } from './text.ts'
import { clockTime } from './time.ts'

/** One key as lines for people: all that is known of it, which is not the key. */
export function keyLines(key: ApiKey, paint: Paint, columns: number): string[] {
  const { id, project, name, scopes, created_at, last_used_at, revoked_at } = key
  const layout = { columns, paint, indent: 0, hanging: 2 }
  const below = { ...layout, indent: 2 }
  return [
    ...flow(
      [
        { text: printable(name), style: 'bold' },
        { text: printable(scopes.join(', ')) },
        revoked_at === null
          ? { text: 'live', style: 'green' }
          : { text: `revoked ${clockTime(revoked_at)}`, style: 'red' },
      ],
      layout,
    ),
    ...flow([{ text: `id ${printable(id)}` }, { text: `project ${printable(project)}` }], below),
    ...flow(
      [
        { text: `created ${clockTime(created_at)}`, style: 'dim' },
        { text: last_used_at === null ? 'never used' : `last used ${clockTime(last_used_at)}`, style: 'dim' },
      ],
      below,
    ),
  ]
}
