import type { Finding, StoredEvent } from '@syncproof/core/contract'
import type { Divergence, OperationRow, Page, PairRow, ProcessRow, Report } from '@syncproof/store'

const PAGE_LIMIT = 200

/** The collector's report API, as any client would use it. */
export interface ReportApi {
  readonly url: string
  readonly key: string
  /** Newest first, all pages. @param since only those seen at or after it */
  findings(since?: Date): Promise<readonly Finding[]>
  timeline(entityType: string, entityId: string): Promise<readonly StoredEvent[]>
  processes(): Promise<readonly ProcessRow[]>
  operations(): Promise<readonly OperationRow[]>
  /** Names of the pairs that a reconciler has declared. */
  pairs(): Promise<readonly string[]>
  reconcile(pair: string): Promise<Report>
  report(id: string): Promise<Report>
  divergences(reportId: string): Promise<readonly Divergence[]>
}

export function createReportApi(url: string, key: string): ReportApi {
  async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(new URL(path, url), {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`)
    return JSON.parse(text) as T
  }

  async function all<T>(path: string, filter: Readonly<Record<string, string>> = {}): Promise<readonly T[]> {
    const items: T[] = []
    let cursor: string | null = null
    do {
      const place = cursor === null ? {} : { cursor }
      const query = new URLSearchParams({ ...filter, limit: String(PAGE_LIMIT), ...place })
      const page: Page<T> = await call('GET', `${path}?${query}`)
      items.push(...page.items)
      cursor = page.next_cursor
    } while (cursor !== null)
    return items
  }

  const segment = encodeURIComponent
  return {
    url,
    key,
    findings: (since) => all('/v1/findings', since ? { since: since.toISOString() } : {}),
    timeline: (type, id) => all(`/v1/entities/${segment(type)}/${segment(id)}/timeline`),
    processes: () => all('/v1/processes'),
    operations: () => all('/v1/operations'),
    pairs: async () => (await call<Page<PairRow>>('GET', '/v1/pairs')).items.map(({ name }) => name),
    reconcile: (pair) => call('POST', '/v1/reconciliations', { pair }),
    report: (id) => call('GET', `/v1/reports/${segment(id)}`),
    divergences: (id) => all(`/v1/reports/${segment(id)}/divergences`),
  }
}
