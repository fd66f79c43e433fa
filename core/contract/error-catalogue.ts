/** Every error that the report and ingest API can answer: stable code, status, title and how to solve it.
 *  docs/errors.md is checked against this table both ways. */
export interface CatalogueEntry {
  readonly status: number
  readonly title: string
  readonly solve: string
}

export const errorCatalogue = {
  malformed_json: {
    status: 400,
    title: 'The body is not JSON',
    solve: 'Send one JSON object in UTF-8. The detail says where parsing stopped.',
  },
  invalid_encoding: {
    status: 400,
    title: 'The body could not be decoded',
    solve: 'Send UTF-8, and with `Content-Encoding: gzip` one whole gzip stream.',
  },
  invalid_request: {
    status: 400,
    title: 'A parameter or the envelope of the body is wrong',
    solve: 'Mend the member that `pointer` names; the detail says what it must be.',
  },
  unauthorized: {
    status: 401,
    title: 'The key is missing or not known',
    solve:
      'Send `Authorization: Bearer <key>` with a key of this Syncproof: `syncproof keys create` makes one, `syncproof dev` prints the one it made. In the SDK it is SYNCPROOF_API_KEY.',
  },
  malformed_key: {
    status: 401,
    title: 'The key is not whole',
    solve:
      'Copy it again, all 52 characters: it begins as a key of Syncproof, and its checksum does not fit the rest.',
  },
  revoked_key: {
    status: 401,
    title: 'The key was revoked',
    solve:
      'Use another key of the project. `syncproof keys create` makes one; a revoked one never opens again.',
  },
  forbidden: {
    status: 403,
    title: 'The key lacks the scope for this',
    solve: 'Use a key with the scope that the detail names: ingest, read or admin.',
  },
  not_found: {
    status: 404,
    title: 'There is nothing at this address',
    solve: 'Check the id, and the path against /openapi.json.',
  },
  request_timeout: {
    status: 408,
    title: 'The request did not arrive whole in time',
    solve: 'Send the whole request within 30 seconds: smaller batches, or gzip, over a slow network.',
  },
  body_too_large: {
    status: 413,
    title: 'The body is larger than one batch may be',
    solve: 'Send smaller batches: at most 2,000 events, 4 MiB as sent and 16 MiB inflated.',
  },
  unsupported_media_type: {
    status: 415,
    title: 'The body is of a type that is not read here',
    solve: 'Send `Content-Type: application/json`, plain or with `Content-Encoding: gzip`.',
  },
  unsupported_contract: {
    status: 422,
    title: 'The batch speaks a version of the contract that is not accepted',
    solve:
      'Use an SDK of this release or of the one before; where the SDK is the newer one, upgrade the collectors: they go first. The SDK keeps what was refused and sends it again every minute, as long as its queue has room.',
  },
  no_valid_event: {
    status: 422,
    title: 'Not one event of the batch is valid',
    solve: 'The members of `rejected` say what is wrong with each event.',
  },
  invalid_event: {
    status: 422,
    title: 'An event breaks the contract',
    solve: 'Mend the member that `pointer` names; docs/event-schema.json is the contract.',
  },
  event_time_out_of_range: {
    status: 422,
    title: 'The time of an event lies more than an hour ahead or before the retention',
    solve: 'Set the clock of the sending host; events older than the retention cannot be stored any more.',
  },
  pair_not_found: {
    status: 404,
    title: 'No pair of this name is configured',
    solve:
      'Use a name that GET /v1/pairs lists, or add the pair to syncproof.config.ts and restart the reconciler.',
  },
  headers_too_large: {
    status: 431,
    title: 'Path and headers are too large',
    solve: 'Keep path, query and headers within 16 KiB together.',
  },
  too_many_requests: {
    status: 429,
    title: 'The key has used up its quota',
    solve:
      'Send again after the seconds in Retry-After; the SDK does so by itself. If it goes on: sample operations, use a key for each app, or raise `--quota-requests` and `--quota-bytes` of `syncproof collector`.',
  },
  internal: {
    status: 500,
    title: 'A fault of Syncproof itself',
    solve: 'Look in the collector’s log for the request id that this answer carries, and report it.',
  },
  overloaded: {
    status: 503,
    title: 'More comes in than can be stored',
    solve:
      'Send again after the seconds in Retry-After; the SDK does so by itself, and nothing of this request was stored. If it goes on: give PostgreSQL faster disks, or start more collectors.',
  },
  store_unavailable: {
    status: 503,
    title: 'The database does not answer',
    solve:
      'Ask again after the seconds in Retry-After: the collector recovers by itself. A batch was not acknowledged, and sending it again stores nothing twice.',
  },
  replica_unavailable: {
    status: 503,
    title: 'The replica that reports are read from does not answer',
    solve:
      'Ask again after the seconds in Retry-After. Events are taken in all the same. If it goes on: mend the replica (`GET /readyz` says how it is), or start the collector without `--read-database`, so that reports come from the database itself.',
  },
} as const satisfies Record<string, CatalogueEntry>

export type ErrorCode = keyof typeof errorCatalogue
