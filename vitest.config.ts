import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    // Native modules (DuckDB, SQLite) do not like being shared between threads of one process.
    pool: 'forks',
    maxWorkers: 2,
    include: ['**/*.test.ts'],
    exclude: ['**/node_modules/**', 'data/**'],
    globalSetup: ['store/testing/global-setup.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
})
