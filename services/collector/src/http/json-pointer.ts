import { collectorLimits } from '../limits.ts'

/** An RFC 6901 pointer to `path` under `base` (itself a pointer, such as `/events/3`). Where it would grow past
 *  `pointerLengthMax` it names the nearest member above that fits. */
export function jsonPointer(base: string, path: readonly PropertyKey[]): string {
  let pointer = base
  for (const key of path) {
    const next = `${pointer}/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`
    if (next.length > collectorLimits.pointerLengthMax) return pointer
    pointer = next
  }
  return pointer
}
