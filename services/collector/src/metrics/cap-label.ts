import { LABEL_LENGTH_MAX, OVERFLOW } from '@syncproof/store'
import { collectorLimits } from '../limits.ts'

/** Lets the first `labelValuesMax` values of a label through and folds all later ones into `__overflow__`: a label
 *  that code fills with ids would cost Prometheus a series each. */
export function createLabelCap(): (value: string) => string {
  const known = new Set<string>()
  return (name) => {
    const value = name.length > LABEL_LENGTH_MAX ? `${name.slice(0, LABEL_LENGTH_MAX - 1)}…` : name
    if (known.has(value)) return value
    if (known.size >= collectorLimits.labelValuesMax) return OVERFLOW
    known.add(value)
    return value
  }
}
