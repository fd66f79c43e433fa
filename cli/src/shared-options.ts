import type { OptionSpec } from './command.ts'

// what several commands take, and each of them in the same words

export const json: OptionSpec = { type: 'boolean', help: 'Print JSON on stdout, with "version": 1.' }
export const help: OptionSpec = { type: 'boolean', help: 'Print the help of this command.' }

export const server = {
  host: {
    type: 'string',
    value: 'HOST',
    env: 'SYNCPROOF_HOST',
    help: 'Address to listen on. Default 127.0.0.1.',
  },
  port: { type: 'string', value: 'PORT', env: 'SYNCPROOF_PORT', help: 'Port of the API. Default 4319.' },
} as const satisfies Record<string, OptionSpec>

export const metrics = {
  'metrics-host': {
    type: 'string',
    value: 'HOST',
    env: 'SYNCPROOF_METRICS_HOST',
    help: 'Address of the metrics. Default 127.0.0.1.',
  },
  'metrics-port': {
    type: 'string',
    value: 'PORT',
    env: 'SYNCPROOF_METRICS_PORT',
    help: 'Port of the metrics. Default 4320.',
  },
} as const satisfies Record<string, OptionSpec>

export const database = {
  database: {
    type: 'string',
    value: 'URL',
    env: 'SYNCPROOF_DATABASE_URL',
    help: 'PostgreSQL that keeps the events.',
  },
} as const satisfies Record<string, OptionSpec>

export const readDatabase = {
  'read-database': {
    type: 'string',
    value: 'URL',
    env: 'SYNCPROOF_READ_DATABASE_URL',
    help: 'A standby of the database, from which reports are read. Left out, they are read from the database.',
  },
} as const satisfies Record<string, OptionSpec>

export const redis = {
  redis: {
    type: 'string',
    value: 'URL',
    env: 'SYNCPROOF_REDIS_URL',
    help: 'Redis for the jobs of the reconciler. Left out, they go through the database.',
  },
} as const satisfies Record<string, OptionSpec>

export const config = {
  config: {
    type: 'string',
    value: 'FILE',
    env: 'SYNCPROOF_CONFIG',
    help: 'Default syncproof.config.ts, if there is one.',
  },
} as const satisfies Record<string, OptionSpec>

export const api = {
  url: {
    type: 'string',
    value: 'URL',
    env: 'SYNCPROOF_URL',
    help: 'Where the API is. Default http://127.0.0.1:4319.',
  },
} as const satisfies Record<string, OptionSpec>

export const since = {
  since: { type: 'string', value: 'TIME', help: 'Seen at or after: RFC 3339, or 15m, 2h, 7d ago.' },
} as const satisfies Record<string, OptionSpec>

/** Of the commands that take an id. */
export const asIs = {
  'as-is': {
    type: 'boolean',
    help: 'Take the id as it is, also where the app hashes ids: what it sent before it did.',
  },
} as const satisfies Record<string, OptionSpec>

export const quota = {
  'quota-requests': {
    type: 'string',
    value: 'COUNT',
    env: 'SYNCPROOF_QUOTA_REQUESTS',
    help: 'Batches that one key may send in a second. Default 500.',
  },
  'quota-bytes': {
    type: 'string',
    value: 'BYTES',
    env: 'SYNCPROOF_QUOTA_BYTES',
    help: 'Bytes of batches, as sent, that one key may send in a second. Default 16777216.',
  },
} as const satisfies Record<string, OptionSpec>
