import { defineConfig, env, http, link, postgres, webhook } from 'syncproof'
import { candidateFields } from './src/candidate-fields.ts'

const table = { table: 'candidates', key: 'id', version: 'revision' }

// The embedded database lives in the app's own process: there its pool is shared.
const source =
  process.env.DATABASE_URL || process.env.DATABASE_URL_FILE
    ? postgres({ url: env('DATABASE_URL'), ...table })
    : postgres({ pool: (await import('./src/database.ts')).pool, ...table })

export default defineConfig({
  pairs: {
    candidate: {
      source,
      target: http({
        url: `${env('ATS_READ_URL')}/candidates?_sort=id&_order=asc&_page=1&_limit=100`,
        key: 'id',
        next: link(),
        get: '/candidates/{key}',
      }),
      fields: candidateFields,
      every: '1m',
      grace: '2s',
      owner: 'team-hiring',
    },
  },
  alerts: process.env.ALERT_URL ? [webhook({ url: env('ALERT_URL') })] : [],
})
