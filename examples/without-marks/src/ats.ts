/** The client of an external system, as somebody wrote it. */
export interface Ats {
  updateCandidate(candidateId: string, candidate: object): Promise<void>
}
