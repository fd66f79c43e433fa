import type { MaintenanceWindow } from '@syncproof/store'
import { flow } from './flow.ts'
import type { Paint } from './terminal.ts'
import { printable } from './text.ts'
import { clockTime } from './time.ts'

/** One maintenance window as lines for people. */
export function windowLines(window: MaintenanceWindow, paint: Paint, columns: number): string[] {
  const { id, pairs, reason, starts_at, ends_at, configured } = window
  const layout = { columns, paint, indent: 0, hanging: 2 }
  return [
    ...flow(
      [
        { text: printable(id), style: 'bold' },
        { text: pairs === null ? 'all pairs' : printable(pairs.join(', ')) },
        { text: `${clockTime(starts_at)} to ${clockTime(ends_at)}` },
        ...(configured ? [{ text: 'configured', style: 'dim' as const }] : []),
      ],
      layout,
    ),
    ...flow([{ text: printable(reason) }], { ...layout, indent: 2 }),
  ]
}
