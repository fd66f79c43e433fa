import { writeFileSync } from 'node:fs'
import { batchJsonSchema } from '@syncproof/core/contract/schema'

/** Writes the event contract where everyone can read it; a test holds it current. Run `npm run format` after it. */
const path = new URL('../docs/event-schema.json', import.meta.url)
writeFileSync(path, `${JSON.stringify(batchJsonSchema(), null, 2)}\n`)
