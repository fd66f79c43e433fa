/** A row of the table `candidates`. */
export interface Candidate {
  id: string
  name: string
  email: string
  phone: string | null
  stage: string
  score: number
  notes: string | null
  /** Who changed it last, and by which request: `recruiter-7/req-000123`. */
  updatedBy: string
  updatedAt: Date
  /** Given by the database to every version of a row; a decimal text. */
  revision: string
}

export const STAGES = ['applied', 'screening', 'interview', 'offer', 'hired', 'rejected'] as const
