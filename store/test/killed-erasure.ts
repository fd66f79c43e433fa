import { detectionRules } from '@syncproof/core/detection'
import { openStore } from '../src/index.ts'

/** A program of its own: erases a candidate from the database that it is given, until it is done or killed. */
const [, , url = '', id = ''] = process.argv
const store = openStore({ url })
const { signal } = new AbortController()
await store.erasure.erase('default', { type: 'candidate', id }, { signal, rules: detectionRules })
await store.close()
