/** One line of what the doctor says. */
export interface Check {
  readonly name: string
  readonly state: 'ok' | 'warning' | 'problem'
  /** One sentence: what was seen. */
  readonly what: string
  /** What to do about it; only where it is not ok. */
  readonly mend?: string
  /** It could not be looked at. */
  readonly unable?: true
}

export function ok(name: string, what: string): Check {
  return { name, state: 'ok', what }
}

export function warning(name: string, what: string, mend: string): Check {
  return { name, state: 'warning', what, mend }
}

export function problem(name: string, what: string, mend: string): Check {
  return { name, state: 'problem', what, mend }
}

/** The bad ones, or the good one where there is none. */
export function orOk(bad: readonly (Check | undefined)[], good: () => Check): readonly Check[] {
  const found = bad.filter((check) => check !== undefined)
  return found.length > 0 ? found : [good()]
}

/** Runs a check; what it may not look at, or what fails while it looks, is a line of its own. */
export async function looking(
  name: string,
  look: () => Promise<readonly Check[]>,
): Promise<readonly Check[]> {
  try {
    return await look()
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    if (code === '42501')
      return [
        {
          ...warning(name, 'This login may not look at it.', 'Run the doctor as the owner of the database.'),
          unable: true,
        },
      ]
    const text = error instanceof Error ? error.message : String(error)
    return [
      {
        ...problem(
          name,
          `It could not be looked at: ${text}.`,
          'Mend that first, then run the doctor again.',
        ),
        unable: true,
      },
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
