// What crosses the boundary, checked by schemas of three libraries.
module.exports = async (load) => {
  const { createSyncproof } = await load('@syncproof/sdk')
  const { contract, ContractViolationError } = await load('@syncproof/sdk/contracts')
  const [{ z }, valibot, { type }] = [await load('zod'), await load('valibot'), await load('arktype')]
  const syncproof = createSyncproof({ service: 'contracts' })
  const send = (id, name) =>
    syncproof.sync('ats', { id, name }, async () => {
      const response = await fetch(`${process.env.SYSTEM_URL}/things/${id}`, { method: 'PUT', body: '{}' })
      return response.json()
    })
  const schemas = {
    input: z.tuple([z.string(), z.string().min(9)]),
    response: { ats: type({ id: 'number' }) },
    output: valibot.object({ name: valibot.number() }),
  }
  const entity = (id) => ({ type: 'thing', id })
  await syncproof.wrap(send, { name: 'watched', entity, contract: contract(schemas) })('t-1', 'after')
  const options = { name: 'enforced', entity, contract: contract({ input: schemas.input, enforce: true }) }
  const refused = await Promise.resolve()
    .then(() => syncproof.wrap(send, options)('t-1', 'after'))
    .catch((error) => error)
  if (!(refused instanceof ContractViolationError)) throw new Error('a wrong input was let through')
}
