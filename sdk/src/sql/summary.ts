import type { Assigned, Equality, Operand, Span, Statement, TableRef, Touched } from './statement.ts'

/** A description in one line, for tables of tests. */
export function summary(text: string, statement: Statement): string {
  return parts(text, statement)
    .filter((part) => part !== '')
    .join(' | ')
}

function parts(text: string, statement: Statement): string[] {
  const { kind } = statement
  switch (kind) {
    case 'select': {
      const { columnsEnd, lock = '' } = statement
      const columns = columnsEnd === undefined ? 'carries nothing' : `after «${text.slice(0, columnsEnd)}»`
      return [kind, ...conditions(statement), lock, columns]
    }
    case 'update':
      return [
        kind,
        ...conditions(statement),
        assigned(statement.assigned),
        statement.guard ? `guard ${statement.guard}` : '',
        statement.parts ? spans(text, Object.values(statement.parts)) : 'whole',
        returning(text, statement),
      ]
    case 'delete':
      return [kind, ...conditions(statement), returning(text, statement)]
    case 'insert':
      return [
        kind,
        table(statement.table),
        statement.columns?.join(', ') ?? 'all columns',
        statement.rows?.map((row) => `(${row.map(value).join(', ')})`).join(' ') ?? 'from a query',
        statement.onConflict ? `on conflict ${statement.onConflict}` : '',
        touched('also', statement.alsoTouches),
        returning(text, statement),
      ]
    case 'unknown':
      return [
        kind,
        statement.why,
        touched('touches', statement.touches),
        statement.mayWrite ? 'may write' : '',
        statement.mayEndTransaction ? 'may end a transaction' : '',
      ]
    default:
      return Object.entries(statement).flatMap(([name, member]) =>
        name === 'kind' ? [kind] : member === undefined || member === false ? [] : [`${name} ${member}`],
      )
  }
}

function conditions(statement: {
  readonly table: TableRef
  readonly equalities: readonly Equality[]
  readonly repeatable: boolean
  readonly alsoTouches: Touched
}): string[] {
  return [
    table(statement.table),
    statement.equalities.map(equality).join(', '),
    statement.repeatable ? '' : 'asked once',
    touched('also', statement.alsoTouches),
  ]
}

function table({ schema, name, alias }: TableRef): string {
  return `${schema ? `${schema}.` : ''}${name}${alias === name ? '' : ` as ${alias}`}`
}

function equality({ column, operands, isArray }: Equality): string {
  return `${column} = ${isArray ? 'any ' : ''}${operands.map(value).join(' or ')}`
}

function value(given: Assigned | Operand): string {
  if (given === 'expression') return given
  return 'param' in given ? `$${given.param}` : JSON.stringify(given.literal)
}

function assigned(columns: Readonly<Record<string, Assigned>>): string {
  return Object.entries(columns)
    .map(([column, given]) => `${column} := ${value(given)}`)
    .join(', ')
}

function touched(how: string, tables: Touched): string {
  return tables.length === 0 ? '' : `${how} ${tables === 'anything' ? tables : tables.join(', ')}`
}

function spans(text: string, list: readonly Span[]): string {
  return list.map(({ start, end }) => `«${text.slice(start, end)}»`).join(' ')
}

function returning(
  text: string,
  statement: { readonly returning?: Span | undefined; readonly stars: readonly Span[] },
): string {
  if (!statement.returning) return ''
  return `${spans(text, [statement.returning])}${statement.stars.length > 0 ? ` with ${statement.stars.length} *` : ''}`
}
