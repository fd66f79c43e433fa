/** Of the writes whose end is known, the share that is to reach the other system within 5 minutes. */
export const OBJECTIVE = 0.999
export const ERROR_BUDGET = 1 - OBJECTIVE
/** A share of few writes says little: one late write of ten is no outage. */
export const WRITES_MIN = 100

/** How fast the budget of 30 days may burn, over a long window and a short one, which ends the alert soon after the trouble
 *  does. Method: Site Reliability Workbook, chapter 5, multiwindow, multi-burn-rate alerts. */
export const BURNS = {
  fast: [
    { factor: 14.4, long: '1h', short: '5m' },
    { factor: 6, long: '6h', short: '30m' },
  ],
  slow: [{ factor: 1, long: '3d', short: '6h' }],
} as const

export const WINDOWS = ['5m', '30m', '1h', '6h', '3d'] as const
