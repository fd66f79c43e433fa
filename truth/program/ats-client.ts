import { observeFetch } from '@syncproof/sdk/fetch'
import { proxy } from '@syncproof/sdk/proxy'
import type { Answer } from '../plan/call.ts'
import type { Values } from '../world/row.ts'

export class AtsError extends Error {
  override name = 'AtsError'
  readonly status: number

  constructor(status: number) {
    super(`the other system answered ${status}`)
    this.status = status
  }
}

/** How one request is known to the other system, and what that is to do with it. */
interface Request {
  readonly request: string
  readonly answer: Answer
}

export interface AtsClient {
  update(record: string, fields: Values, request: Request): Promise<void>
  create(record: string, fields: Values, request: Request): Promise<{ id: string }>
}

const uniqueKey = 'email'

/** @param url of the other system */
export function atsClients(url: string): Readonly<Record<'fetch' | 'proxy', AtsClient>> {
  const observed = observeFetch({
    system: 'ats',
    baseUrl: url,
    uniqueKey,
    contract: { ordered: 'etag', externalId: '$.id' },
  })
  const plain = clientOf(globalThis.fetch, url)
  return {
    fetch: clientOf(observed, url),
    proxy: proxy(plain, {
      system: 'ats',
      uniqueKey,
      methods: {
        update: { action: 'update', payload: (_record, fields) => fields },
        create: { action: 'create', payload: (_record, fields) => fields, externalId: ({ id }) => id },
      },
    }),
  }
}

function clientOf(fetch: typeof globalThis.fetch, url: string): AtsClient {
  const send = async (method: string, record: string, fields: Values, { request, answer }: Request) => {
    const response = await fetch(`${url}/records/${method === 'POST' ? '' : encodeURIComponent(record)}`, {
      method,
      headers: { 'content-type': 'application/json', 'x-request': request, 'x-answer': answer },
      body: JSON.stringify(fields),
    })
    if (!response.ok) throw new AtsError(response.status)
    return response.json() as Promise<{ id: string }>
  }
  return {
    update: async (record, fields, request) => void (await send('PATCH', record, fields, request)),
    create: (record, fields, request) => send('POST', record, fields, request),
  }
}
