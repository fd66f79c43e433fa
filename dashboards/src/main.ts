import { mkdirSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { filesOf } from './files.ts'

/** Writes the dashboards and the rules. */
const { values } = parseArgs({
  options: {
    grafana: { type: 'string', default: '' },
    docs: { type: 'string', default: '/docs' },
    out: { type: 'string', default: new URL('..', import.meta.url).pathname },
  },
})
const bases = { grafana: values.grafana.replace(/\/$/, ''), docs: values.docs.replace(/\/$/, '') }
for (const [path, text] of filesOf(bases)) {
  const file = `${values.out.replace(/\/$/, '')}/${path}`
  mkdirSync(file.slice(0, file.lastIndexOf('/')), { recursive: true })
  writeFileSync(file, text)
}
