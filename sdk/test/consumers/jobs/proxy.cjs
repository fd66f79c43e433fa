// A client object of an external system whose methods report themselves.
module.exports = async (load) => {
  const { createSyncproof } = await load('@syncproof/sdk')
  const { proxy } = await load('@syncproof/sdk/proxy')
  class Client {
    #url = process.env.SYSTEM_URL
    async update(id, thing) {
      const response = await fetch(`${this.#url}/things/${id}`, {
        method: 'PUT',
        body: JSON.stringify(thing),
      })
      return response.json()
    }
  }
  const ats = proxy(new Client(), {
    system: 'ats',
    methods: {
      update: { action: 'update', payload: (_id, thing) => thing, externalId: (result) => result.id },
    },
  })
  const sync = createSyncproof({ service: 'proxy' }).wrap((id, name) => ats.update(id, { id, name }), {
    name: 'sync',
    entity: (id) => ({ type: 'thing', id }),
    syncs: ['ats'],
  })
  await sync('t-1', 'after')
}
