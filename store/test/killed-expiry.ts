import { openStore } from '../src/index.ts'

/** A program of its own: lets expire what is due of the database that it is given, until it is done or killed. */
const [, , url = ''] = process.argv
const store = openStore({ url })
await store.retention.expire({ signal: new AbortController().signal })
await store.close()
