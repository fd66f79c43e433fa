import { alertmanager, defineConfig, env, http, postgres } from 'syncproof'

// Your pairs: write them here, and set SYNCPROOF_CONFIG=/app/config/syncproof.config.ts in .env. docs/connectors says what can
// be compared, docs/alerts.md who can be told. What env('X') names is given to the reconciler in docker-compose.yml, as X or as
// a secret by X_FILE; DATABASE_URL is that of the example there.
export default defineConfig({
  pairs: {
    candidate: {
      source: postgres({ url: env('DATABASE_URL'), table: 'candidates', key: 'id' }),
      target: http({ url: 'https://ats.example/candidates', key: 'id' }),
      every: '15m',
      owner: 'team-hiring',
    },
  },
  alerts: [alertmanager({ url: 'http://alertmanager:9093' })],
})
