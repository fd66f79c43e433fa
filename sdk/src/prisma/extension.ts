import { type Context, currentContext } from '../operation/context.ts'
import { guarded } from '../operation/guarded.ts'
import { ANYTHING } from '../operation/knowledge.ts'
import { type PrismaCall, runCall } from './call.ts'
import { Lane } from './lane.ts'
import { type Models, readModels } from './models.ts'

type Nothing = Record<never, never>

/** What `$extends` wants of an extension that adds nothing: the client keeps its type. */
export type PrismaExtension = (client: { $extends(extension: never): unknown }) => {
  $extends: { extArgs: { result: Nothing; model: Nothing; query: Nothing; client: Nothing } }
}

/** The extension that makes the marks of a Prisma client on PostgreSQL, over a pool that `prismaPool` observes:
 *
 *      const pool = prismaPool(new pg.Pool({ connectionString }))
 *      const prisma = new PrismaClient({ adapter: new PrismaPg(pool) }).$extends(syncproofPrisma())
 *
 *  Inside a wrapped function every statement that a call becomes is reported with its evidence, in the words of
 *  the schema: fields by their names there. Results, errors and types stay Prisma's. Outside a wrapped function it
 *  calls through. Extend with it last, so that it sees what other extensions send. */
export function syncproofPrisma(): PrismaExtension {
  const lane = new Lane()
  const extend = (client: { $extends(extension: object): unknown }) => {
    const models = readModels(client)
    return client.$extends({
      name: 'syncproof',
      query: { $allOperations: (call: QueryCall) => observe(lane, models, call) },
    })
  }
  // Prisma's own type of this hides behind generics of the generated client
  return extend as unknown as PrismaExtension
}

/** What Prisma hands to a query extension. */
interface QueryCall {
  /** Absent for raw SQL. */
  readonly model?: string | undefined
  readonly operation: string
  readonly args: unknown
  readonly query: (args: unknown) => PromiseLike<unknown>
  readonly __internalParams?: { readonly transaction?: { readonly kind?: string } | undefined }
}

/** All calls outside of wrapped functions, as the owner of a tick. */
const UNOBSERVED = {}

function observe(lane: Lane, models: Models, call: QueryCall): PromiseLike<unknown> {
  const { args, query } = call
  const context = currentContext()
  const turn = isCollected(call) ? lane.enter(context?.operation ?? UNOBSERVED) : undefined
  if (!context) return turn ? turn.then(() => query(args)) : query(args)
  const observed: PrismaCall = { models, isOfModel: call.model !== undefined, statements: 0 }
  return runCall(observed, async () => {
    if (turn) await turn
    const result = await query(args)
    if (observed.statements === 0 && !isBatch(call)) doubt(context)
    return result
  })
}

/** No statement was seen on behalf of a call that was answered: the pool is not observed, or Prisma sent it on
 *  behalf of another call. Which versions it saw or made is not known. */
function doubt(context: Context): void {
  guarded(context, () => context.operation.knowledge.touchedBlindly(ANYTHING))
}

/** What Prisma may send together with other calls of the same tick. */
function isCollected(call: QueryCall): boolean {
  return call.operation === 'findUnique' || call.operation === 'findUniqueOrThrow' || isBatch(call)
}

/** A call of `$transaction([…])`: all are sent on behalf of the first. */
function isBatch({ __internalParams }: QueryCall): boolean {
  return __internalParams?.transaction?.kind === 'batch'
}
