/** What was seen of one mutant. */
export interface Outcome {
  readonly id: string
  /** Symptoms, each with its first instance; in the simulator, and in the detectors' own short histories. */
  readonly simulated: Readonly<Record<string, string>>
  readonly cases: Readonly<Record<string, string>>
}

/** What the parent asks for; ids in the order in which they are tried. */
export interface Job {
  readonly ids: readonly string[]
  readonly seed: number
  readonly simulations: number
  /** Own cases first, and the simulator only where they do not show what is expected. */
  readonly isShort: boolean
}

/** What a worker says when it has loaded everything and begins with the first mutant. */
export const READY = 'ready'
