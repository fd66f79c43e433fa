import { defineConfig } from 'vitest/config'

/** Two kinds of tests: pure ones stand beside their source; those that need real servers stand in `test/`. */
export default defineConfig({
  test: {
    env: { TZ: 'UTC', NO_COLOR: '1' },
    projects: [
      {
        extends: true,
        test: {
          name: 'pure',
          include: ['**/*.test.ts'],
          exclude: ['**/node_modules/**', '**/test/**'],
          testTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'servers',
          include: ['**/test/**/*.test.ts'],
          exclude: ['**/node_modules/**'],
          globalSetup: ['tools/testing/global-setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        // what depends on the server's version is also shown on PostgreSQL 18, from npm
        extends: true,
        test: {
          name: 'postgres 18',
          include: ['sdk/test/{pg-*,kysely,prisma}.test.ts'],
          globalSetup: ['tools/testing/global-setup-18.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
})
