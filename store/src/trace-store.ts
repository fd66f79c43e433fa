/** Which span of the services brought an event, where they are traced. */
export interface TraceStore {
  /** @param traceparent of the span, as W3C Trace Context writes it */
  note(projectId: string, eventIds: readonly string[], traceparent: string): Promise<void>
  /** By event id; those that are not known are left out. */
  of(projectId: string, eventIds: readonly string[]): Promise<ReadonlyMap<string, string>>
  /** Forgets those that are older than an hour, some thousands at a time; over all projects. */
  forget(): Promise<void>
}
