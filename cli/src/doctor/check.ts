/** One line of what the doctor says. */
export interface Check {
  readonly name: string
  readonly state: 'pass' | 'warn' | 'fail'
  /** One sentence: what was seen. */
  readonly what: string
  /** What to do about it; only where it is no pass. */
  readonly mend?: string
  /** It could not be looked at. */
  readonly unable?: true
}

/** What nobody asked to look at, or what cannot be seen from here: neither good nor bad. */
export interface Skipped {
  readonly name: string
  /** A part of a sentence: `--url is not given`. */
  readonly why: string
}

export type Look = Check | Skipped

export function pass(name: string, what: string): Check {
  return { name, state: 'pass', what }
}

export function warn(name: string, what: string, mend: string): Check {
  return { name, state: 'warn', what, mend }
}

export function fail(name: string, what: string, mend: string): Check {
  return { name, state: 'fail', what, mend }
}

export function unable(check: Check): Check {
  return { ...check, unable: true }
}

export function isSkipped(look: Look): look is Skipped {
  return 'why' in look
}

/** The bad ones, or the good one where there is none. */
export function orPass(bad: readonly (Check | undefined)[], good: () => Check): readonly Check[] {
  const found = bad.filter((check) => check !== undefined)
  return found.length > 0 ? found : [good()]
}

/** Runs a check; what it may not look at, or what fails while it looks, is a line of its own. */
export async function looking<T extends Look>(
  name: string,
  look: () => Promise<readonly T[]>,
): Promise<readonly (T | Check)[]> {
  try {
    return await look()
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    if (code === '42501')
      return [
        unable(warn(name, 'This login may not look at it.', 'Run the doctor as the owner of the database.')),
      ]
    const text = error instanceof Error ? error.message : String(error)
    return [
      unable(
        fail(name, `It could not be looked at: ${text}.`, 'Mend that first, then run the doctor again.'),
      ),
    ]
  }
}

/** `3 days`, `2 hours`, `40 seconds`: the largest unit of which there are two, or the smallest. */
export function span(ms: number): string {
  const units = [
    ['day', 86_400_000],
    ['hour', 3_600_000],
    ['minute', 60_000],
    ['second', 1_000],
  ] as const
  const [name, unitMs] = units.find(([, each]) => ms >= 2 * each) ?? ['second', 1_000]
  const count = Math.max(0, Math.round(ms / unitMs))
  return `${count.toLocaleString('en-US')} ${name}${count === 1 ? '' : 's'}`
}
