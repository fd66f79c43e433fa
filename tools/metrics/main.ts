import { writeFileSync } from 'node:fs'
import { metricDefinitions } from './definitions.ts'
import { metricsPage } from './page.ts'

/** Writes docs/metrics.md. */
writeFileSync(new URL('../../docs/metrics.md', import.meta.url), metricsPage(await metricDefinitions()))
