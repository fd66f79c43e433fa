import { attempt } from '../operation/guarded.ts'
import type { SampledCall, Settings } from '../options.ts'
import type { Warn } from '../warnings.ts'

/** Decides which calls are left out. A rate that cannot be had, because the app's function throws or gives no
 *  number, leaves nothing out. */
export function sampler({ sampleRate }: Pick<Settings, 'sampleRate'>, warn: Warn) {
  if (sampleRate === 1) return () => false
  return (call: SampledCall): boolean => {
    const rate = typeof sampleRate === 'function' ? attempt(() => sampleRate(call)) : sampleRate
    if (typeof rate === 'number' && !Number.isNaN(rate)) return Math.random() >= rate
    warn('sample_rate', '`sampleRate` threw or gave no number: such calls are all reported')
    return false
  }
}
