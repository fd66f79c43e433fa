import type { Candidate } from './candidate.ts'

/** The ATS answered with an error (`status`), or not at all (no `status`: it may or may not have applied it). */
export class AtsError extends Error {
  override name = 'AtsError'
  readonly status: number | undefined

  constructor(message: string, status?: number, options?: ErrorOptions) {
    super(message, options)
    this.status = status
  }
}

export interface AtsClient {
  /** Replaces the candidate's record at the ATS. @throws AtsError */
  updateCandidate(id: string, candidate: Partial<Candidate>): Promise<void>
}

/** @param timeoutMs how long the whole answer may take */
export function createAtsClient(options: { readonly url: string; readonly timeoutMs: number }): AtsClient {
  return {
    async updateCandidate(id, candidate) {
      const response = await put(`${options.url}/candidates/${encodeURIComponent(id)}`, candidate)
      if (response.status >= 400)
        throw new AtsError(`the ATS answered ${response.status} for candidate ${id}`, response.status)
    },
  }

  async function put(url: string, body: unknown): Promise<{ status: number }> {
    try {
      const response = await fetch(url, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(options.timeoutMs),
      })
      await response.arrayBuffer()
      return { status: response.status }
    } catch (cause) {
      throw new AtsError('the ATS did not answer', undefined, { cause })
    }
  }
}
