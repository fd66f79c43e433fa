import { type CallPlan, innerKey, type Shape } from '../plan/call.ts'
import type { Values } from '../world/row.ts'
import { changeOf, payloadOf } from './changes.ts'
import { GivenUp, guardedChange, onlyGivenUp } from './guarded-change.ts'
import type { Actor } from './recorded-rows.ts'
import { type Message, send } from './send.ts'
import { sharedTransaction } from './shared-transaction.ts'
import type { ProgramWorld } from './world.ts'

type Run = (row: string, updates: Values, plan: CallPlan) => Promise<void>
type Body = (world: ProgramWorld, plan: CallPlan, actor: Actor) => Promise<Message | undefined>

/** The functions of the app, each wrapped once, as an app has them. */
export class Calls {
  readonly #world: ProgramWorld
  readonly #functions = new Map<string, Run>()

  constructor(world: ProgramWorld) {
    this.#world = world
  }

  /** Makes the call that was planned. Never rejects: what it fails with is what the plan means it to. */
  async make(plan: CallPlan): Promise<void> {
    const { diary } = this.#world
    const outer = { call: plan.key, root: plan.key }
    diary.note({ what: 'began', ...outer })
    try {
      if (plan.shape === 'raw') await writeRaw(this.#world, plan, outer)
      else if (plan.shape === 'shared_transaction') await sharedTransaction(this.#world, plan)
      else await this.#functionOf(plan)(plan.row, plan.updates, plan)
    } catch (error) {
      if (!plan.cutsCommit && isUnforeseen(error))
        diary.note({ what: 'unforeseen', call: plan.key, error: String(error) })
    } finally {
      diary.note({ what: 'ended', ...outer })
    }
  }

  /** One function a shape and change, and one more where it declares what it must reach. */
  #functionOf(plan: CallPlan): Run {
    const name = `${plan.shape} ${plan.change} ${plan.syncsDeclared}`
    const known = this.#functions.get(name)
    if (known) return known
    const world = this.#world
    const wrapped = world.syncproof.wrap(
      async (_row: string, _updates: Values, call: CallPlan) => {
        const actor = { call: call.key, root: call.key }
        const message = await BODIES[call.shape](world, call, actor)
        world.mayCrash(call, 'after_commit')
        if (message && call.sync === 'after_commit') await send(world, call, actor, message)
        world.mayCrash(call, 'after_sync')
      },
      {
        name: `${plan.shape}_${plan.change}`,
        entity: (id, _updates, call) => ({ type: call.table, id }),
        input: (id, updates) => [id, updates],
        idempotencyKey: (_row, _updates, call) => call.key,
        ...(plan.syncsDeclared && {
          syncs: [plan.shape === 'outbox' ? { system: 'ats', async: true } : 'ats'],
        }),
        ...(plan.change === 'counter' && { counter: ['score'] }),
      },
    )
    this.#functions.set(name, wrapped)
    return wrapped
  }
}

const BODIES: Readonly<Record<Shape, Body>> = {
  plain: guardedChange,
  nested: changeWithin,
  savepoint: changeTwice,
  upsert,
  delete_and_create: replaceRow,
  two_rows: changeBoth,
  skew: decideByOther,
  create_by_email: createThere,
  outbox: changeWithOutbox,
  // not wrapped as the others are
  shared_transaction: guardedChange,
  raw: guardedChange,
}

/** Changes the row, has an inner call change it again, and writes once more what it had read at first. */
async function changeWithin(world: ProgramWorld, plan: CallPlan, actor: Actor): Promise<Message | undefined> {
  const message = await guardedChange(world, plan, actor)
  const inner = { call: innerKey(actor.call), root: actor.root }
  await world.syncproof.wrap(
    async (_row: string, call: CallPlan) => {
      world.diary.note({ what: 'began', ...inner })
      await guardedChange(world, { ...call, change: 'derived', guard: 'naive', section: false }, inner)
      world.diary.note({ what: 'ended', ...inner })
    },
    {
      name: 'inner_change',
      entity: (id, call) => ({ type: call.table, id }),
      input: (id) => [id],
      idempotencyKey: () => inner.call,
    },
  )(plan.row, plan)
  if (!message) return undefined
  const rows = world.rows(plan, actor)
  const { title, note } = message.fields
  const written = await rows.update(plan.row, { title: `${title}!`, note: note ?? null })
  return written > 0 ? { ...message, fields: { ...message.fields, title: `${title}!` } } : undefined
}

/** The first change is rolled back to a savepoint, the second stays. */
function changeTwice(world: ProgramWorld, plan: CallPlan, actor: Actor): Promise<Message | undefined> {
  return world.transaction(plan, actor, 'read committed', async (rows) => {
    const first = await rows.read(plan.row)
    if (!first) return undefined
    const undone = rows.savepoint(async () => {
      await rows.update(plan.row, { title: `undone by ${actor.call}` })
      throw new GivenUp()
    })
    await undone.catch(onlyGivenUp)
    const set = changeOf({ ...plan, change: plan.change === 'increment' ? 'derived' : plan.change }, first)
    const written = await rows.update(plan.row, set)
    return written > 0 ? { record: plan.row, fields: payloadOf(first, set) } : undefined
  })
}

async function upsert(world: ProgramWorld, plan: CallPlan, actor: Actor): Promise<Message | undefined> {
  const rows = world.sqlRows(world.sqlStore(plan), actor)
  const existing = await rows.read(plan.row)
  const row = { id: plan.row, title: `${existing?.title ?? 'new'} by ${actor.call}`, stage: 'A', score: 1 }
  await rows.upsert(row)
  return { record: plan.row, fields: row }
}

function replaceRow(world: ProgramWorld, plan: CallPlan, actor: Actor): Promise<Message | undefined> {
  return world.transaction(plan, actor, 'read committed', async (rows) => {
    const existing = await rows.read(plan.row)
    if (!existing || (await rows.remove(plan.row)) === 0) return undefined
    const { updated_by: _, ...row } = { ...existing, title: `again by ${actor.call}` }
    await rows.create(row)
    return { record: plan.row, fields: row }
  })
}

async function changeBoth(world: ProgramWorld, plan: CallPlan, actor: Actor): Promise<Message | undefined> {
  const rows = world.sqlRows(world.sqlStore(plan), actor)
  const [own, other] = [await rows.read(plan.row), await rows.read(plan.otherRow)]
  if (!own || !other) return undefined
  const set = { owner: `${actor.call} of ${own.owner?.length} and ${other.owner?.length}` }
  const written = await rows.updateBoth([plan.row, plan.otherRow], set)
  return written > 0 ? { record: plan.row, fields: payloadOf(own, set) } : undefined
}

/** Whether this row's stage may be B depends on the other's: two such calls at once make it false. */
function decideByOther(world: ProgramWorld, plan: CallPlan, actor: Actor): Promise<Message | undefined> {
  const isolation = plan.guard === 'naive' && plan.pauseMs % 2 === 0 ? 'repeatable read' : 'read committed'
  return world.transaction(plan, actor, isolation, async (rows) => {
    const [own, other] = [await rows.read(plan.row), await rows.read(plan.otherRow)]
    if (!own || !other) return undefined
    const set = { stage: other.stage === 'A' ? 'B' : 'A', owner: actor.call }
    const written = await rows.update(plan.row, set)
    return written > 0 ? { record: plan.row, fields: payloadOf(own, set) } : undefined
  })
}

async function createThere(world: ProgramWorld, plan: CallPlan, actor: Actor): Promise<Message | undefined> {
  const existing = await world.rows(plan, actor).read(plan.row)
  if (existing)
    await send(
      world,
      plan,
      actor,
      { record: plan.row, fields: { email: `${plan.row}@example.org`, title: existing.title } },
      true,
    )
  return undefined
}

function changeWithOutbox(world: ProgramWorld, plan: CallPlan, actor: Actor): Promise<Message | undefined> {
  return world.sqlStore(plan).transaction('read committed', async (sqlRows) => {
    const rows = world.sqlRows(sqlRows, actor)
    const existing = await rows.read(plan.row, 'for update')
    if (!existing) return undefined
    const set = changeOf({ ...plan, change: plan.change === 'increment' ? 'derived' : plan.change }, existing)
    await rows.update(plan.row, set)
    await sqlRows.enqueue({
      plan,
      fields: payloadOf(existing, set),
      operationId: world.syncproof.operationId() ?? null,
    })
    return undefined
  })
}

async function writeRaw(world: ProgramWorld, plan: CallPlan, actor: Actor): Promise<void> {
  const statement = world.nextStatement()
  const set = { title: `raw by ${actor.call}`, updated_by: statement }
  world.diary.note({
    what: 'writing',
    ...actor,
    statement,
    action: 'update',
    rows: [plan.row],
    set,
    computed: [],
  })
  const { rowCount } = await world.raw.query(
    `UPDATE ${plan.table} SET title = $2, updated_by = $3 WHERE id = $1`,
    [plan.row, set.title, statement],
  )
  world.diary.note({ what: 'wrote', statement, rows: rowCount })
}

/** What a plan provokes: an answer of the other system, a conflict that the database refuses, a rollback. */
function isUnforeseen(error: unknown): boolean {
  const { name, code } = error as { name?: string; code?: string }
  if (error instanceof GivenUp || name === 'AtsError') return false
  if (name === 'TypeError' && String(error).includes('fetch failed')) return false
  return !['40001', '40P01', '23505'].includes(code ?? '')
}
