/** What a heartbeat passes through, in this order.
 *
 *  - `collected`: a collector has written it by the way that events take.
 *  - `judged`: every event that was stored before it has been judged.
 *  - `worked`: a job of the queue has come to its end since. */
export const STAGES = ['collected', 'judged', 'worked'] as const
export type Stage = (typeof STAGES)[number]

export interface HeartbeatStore {
  /** Begins one. */
  beat(): Promise<void>
  /** Takes the newest one past `judged`, where every event before it has been judged. Call it from a job.
   *  @returns the one that is past it, for `worked` */
  judge(): Promise<Date | undefined>
  /** Takes one past `worked`. */
  work(began: Date): Promise<void>
  /** Of each stage, when the newest one past it began, milliseconds since 1970. Absent = none yet. */
  read(): Promise<Readonly<Partial<Record<Stage, number>>>>
}
