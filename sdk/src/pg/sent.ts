import { elapsedUs, type Moment } from '../clock.ts'
import type { Context } from '../operation/context.ts'
import type { AdapterSource } from '../operation/evidence.ts'
import type { Touched } from '../sql/statement.ts'
import type { AnswerRow, Field } from './answer.ts'
import type { Call } from './call.ts'
import type { Connection } from './connection.ts'
import type { TableDescription } from './describe-table.ts'
import type { Pin } from './pin.ts'
import type { RowStatement } from './rewrite.ts'

/** One statement that reads or writes rows of one table, under way in an operation. */
export interface Sent {
  readonly connection: Connection
  readonly context: Context
  readonly call: Call
  readonly table: TableDescription | undefined
  readonly pin: Pin | undefined
  readonly adapter: AdapterSource
  /** What it touches where its rows do not show themselves. */
  readonly blindly: Touched
  readonly transaction: Connection['level']
  readonly sentOrder: number
  readonly sentAt: Moment
}

/** What was declared of the entities that a table holds. */
export function declaredOf(
  { options }: Connection,
  { operation }: Context,
  table: string,
): { readonly type: string | undefined; readonly key: string | undefined } {
  for (const entities of [options.entities, operation.instruments.entities]) {
    for (const type in entities) {
      const entity = entities[type]
      if (entity?.table === table && Object.hasOwn(entities, type)) return { type, key: entity.key }
    }
  }
  return NOT_DECLARED
}

const NOT_DECLARED = { type: undefined, key: undefined }

export function castColumnOf({
  connection,
  adapter,
}: Sent): ((field: Field) => string | undefined) | undefined {
  const { castColumn } = connection.options
  return castColumn && ((field) => castColumn(adapter.table, field))
}

/** A row came from another table than the one described. */
export function outdated({ connection, context }: Sent, statement: RowStatement): void {
  const { key } = declaredOf(connection, context, statement.table.name)
  connection.catalogue.outdated(statement.table, key)
}

export function noteIsolation({ connection, context }: Sent, { extra }: AnswerRow): string | undefined {
  const isolation = typeof extra.isolation === 'string' ? extra.isolation : undefined
  connection.transaction?.observe(context, isolation)
  return isolation
}

/** What every statement says. */
export function evidence({ adapter, sentAt, sentOrder, transaction }: Sent) {
  return { adapter, sentAt, sentOrder, transaction, durationUs: elapsedUs(sentAt) }
}
