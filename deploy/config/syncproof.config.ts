import { alertmanager, defineConfig, env, http, postgres } from 'syncproof'

// Your pairs: write them here, and set SYNCPROOF_CONFIG=/app/config/syncproof.config.ts in .env. docs/connectors says what can
// be compared, docs/alerts.md who can be told. env('X') also takes the name of a file in X_FILE.
export default defineConfig({
  pairs: {
    candidate: {
      source: postgres({ url: env('DATABASE_URL'), table: 'candidates', key: 'id' }),
      target: http({ url: env('ATS_URL'), key: 'id' }),
      every: '15m',
      owner: 'team-hiring',
    },
  },
  alerts: [alertmanager({ url: 'http://alertmanager:9093' })],
})
