const { once } = require('node:events')
const { createServer } = require('node:net')

// Node's own fetch, and undici's, that report what they get and send.
module.exports = async (load) => {
  const { createSyncproof } = await load('@syncproof/sdk')
  const { observeFetch } = await load('@syncproof/sdk/fetch')
  const undici = await load('undici')
  const syncproof = createSyncproof({ service: 'fetch' })
  const nowhere = await closedAddress()
  const options = { system: 'ats', contract: { externalId: '$.id' } }
  for (const fetch of [observeFetch(options), observeFetch(undici.fetch, options)]) {
    const sync = syncproof.wrap(
      async (id, name) => {
        const url = `${process.env.SYSTEM_URL}/things/${id}`
        const thing = await (await fetch(url)).json()
        const headers = { 'content-type': 'application/json', 'idempotency-key': `key-${id}` }
        const response = await fetch(url, {
          method: 'PUT',
          headers,
          body: JSON.stringify({ ...thing, name }),
        })
        await response.json()
        // answered with a 102 before the 422
        await fetch(`${process.env.SYSTEM_URL}/refused`, { method: 'PATCH', body: '{"n":1}' })
        // nobody listens there: surely not sent, as undici's diagnostics say
        await fetch(nowhere, { method: 'PATCH', body: '{}' }).catch(() => undefined)
      },
      { name: 'sync', entity: (id) => ({ type: 'thing', id }), syncs: ['ats'] },
    )
    await sync('t-1', 'after')
  }
}

async function closedAddress() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return `http://127.0.0.1:${port}`
}
